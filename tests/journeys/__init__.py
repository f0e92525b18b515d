"""What a customer, an admin and the provider see. The same files run on every arm, through the edge."""
