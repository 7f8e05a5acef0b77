"""From the vendor's lists to one true screen: windows, order, merging, totals; as few calls as that needs."""
