DROP TABLE IF EXISTS support_tickets, invoices, order_lines, orders, products, customers;

CREATE TABLE customers (
    id             integer PRIMARY KEY,
    name           text NOT NULL,
    contact        text NOT NULL,
    email          text NOT NULL,
    city           text NOT NULL,
    country        text NOT NULL,
    segment        text NOT NULL,
    customer_since date NOT NULL
);
COMMENT ON TABLE customers IS 'Companies that buy from us';

CREATE TABLE products (
    id       integer PRIMARY KEY,
    sku      text NOT NULL UNIQUE,
    name     text NOT NULL,
    category text NOT NULL,
    price    numeric(10, 2) NOT NULL
);
COMMENT ON TABLE products IS 'What we sell, with today''s price';

CREATE TABLE orders (
    id          integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    ordered_on  date NOT NULL,
    status      text NOT NULL
);

CREATE TABLE order_lines (
    order_id   integer NOT NULL REFERENCES orders (id),
    position   integer NOT NULL,
    product_id integer NOT NULL REFERENCES products (id),
    quantity   integer NOT NULL,
    unit_price numeric(10, 2) NOT NULL,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE invoices (
    id          integer PRIMARY KEY,
    order_id    integer NOT NULL REFERENCES orders (id),
    customer_id integer NOT NULL REFERENCES customers (id),
    issued_on   date NOT NULL,
    due_on      date NOT NULL,
    paid_on     date,
    amount      numeric(12, 2) NOT NULL
);
COMMENT ON COLUMN invoices.paid_on IS 'Null while it is unpaid';

CREATE TABLE support_tickets (
    id          integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    opened_on   date NOT NULL,
    subject     text NOT NULL,
    priority    text NOT NULL,
    status      text NOT NULL
);

