"""Several retailers in one installation: each a shop of its own with its own folder, one process for all of them, told apart by ``Host``.

They share code and nothing else. What lives here: the folder of retailers and what may not be the same in two of them (``folder``), the door that
gives each request to its shop (``door``), and the commands ``flask retailer …`` (``cli``, ``adding``). What does not: anything that sells.
"""
