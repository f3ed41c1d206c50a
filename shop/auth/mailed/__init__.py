"""What is proven by a link in a mail: that an address is one's own. Registration, a forgotten password, another address.

Whoever asks learns nothing about who has an account: each request does the same work and gives the same answer, and the mail, written later from the
outbox, says to the owner of the address what is the case. A link shows a page and changes nothing before a button is pressed: programs that look
into mails open links.
"""
