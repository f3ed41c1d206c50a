"""What staff sends about the catalog, as forms. The languages of the shop, options and pictures become fields, put together by functions."""
