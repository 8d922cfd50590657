"""Door: the customer's side of a payment link, for anybody on the internet."""
