"""The withdrawal function: a customer ends the contract by a plain page, guest or not, and gets a receipt with the time.

Source: Directive 2011/83/EU, article 11a, as inserted by Directive (EU) 2023/2673.
"""
