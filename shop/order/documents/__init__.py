"""Papers of an order: invoices and credit notes, numbered without a gap and frozen when they are issued; packing slips, made anew each time."""
