"""Orders: a saga that is kept in this service's own database and leads each order to an end."""
