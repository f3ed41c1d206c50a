"""Keys for programs of the shop itself: a set of permissions, a name and an end, made by staff with ``keys.edit``.

A key may what was chosen for it and its maker still may: it falls silent with whoever made it. It acts for the shop and is nobody's customer.
"""
