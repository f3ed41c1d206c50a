"""What gateways said that did nothing, for staff, and asking them again how an attempt stands."""
