CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX order_lines_product ON order_lines (product_id);
CREATE INDEX invoices_customer ON invoices (customer_id);
CREATE INDEX invoices_issued ON invoices (issued_on);
CREATE INDEX support_tickets_customer ON support_tickets (customer_id);
