-- The floor of one list of 20 products: the one SQL statement that the monolith sends for GET /products?limit=20.
-- Run: PGOPTIONS="-c search_path=floor" pgbench -n -M prepared -f floor_list.sql (floor_setup.sql first).
SELECT products.sku, products.name, products.description, products.category, products.price, products.currency,
        stock.available
    FROM products JOIN stock ON products.sku = stock.sku
    ORDER BY products.sku LIMIT 21;
