"""What the shop costs, beside what the same work costs without a shop. `make bench` prints the tables; nothing here is asserted as a time.

Cost is CPU milliseconds per request, workers and database together: steadier on a shared machine than requests per second. All contenders of a
table take turns in one run, and each round gives its own ratio, so that a busy neighbor hits both sides alike.
"""
