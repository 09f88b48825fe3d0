"""What feedback says of each unit: counts, and the indices of QĐ 766/QĐ-TTg that rest on them."""
