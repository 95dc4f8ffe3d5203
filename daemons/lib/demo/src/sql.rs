//! The rows as a SQL script for psql: schema, COPY blocks, indexes.

use std::io::{self, Write};

use crate::generator::{self, CUSTOMERS, ORDERS, Order, PRODUCTS, TICKETS};
use crate::random::Random;

const SCHEMA: &str = include_str!("../documents/schema.sql");
const INDEXES: &str = include_str!("../documents/indexes.sql");

/// Writes the whole script. Loading it again starts anew: it drops its own tables first.
pub fn write_sql(out: &mut impl Write) -> io::Result<()> {
    let mut random = Random::new(0x6275_6c6b);
    out.write_all(b"BEGIN;\n")?;
    out.write_all(SCHEMA.as_bytes())?;

    writeln!(out, "COPY customers (id, name, contact, email, city, country, segment, customer_since) FROM stdin;")?;
    for id in 1..=CUSTOMERS {
        writeln!(out, "{}", generator::customer(&mut random, id).join("\t"))?;
    }
    writeln!(out, "\\.\n")?;

    let mut prices = Vec::with_capacity(PRODUCTS);
    writeln!(out, "COPY products (id, sku, name, category, price) FROM stdin;")?;
    for id in 1..=PRODUCTS {
        let (sku, name, category, price) = generator::product(&mut random, id);
        writeln!(out, "{id}\t{sku}\t{name}\t{category}\t{}", money(price))?;
        prices.push(price);
    }
    writeln!(out, "\\.\n")?;

    let orders: Vec<Order> = (1..=ORDERS).map(|id| generator::order(&mut random, id, &prices)).collect();
    write_orders(out, &orders)?;

    writeln!(out, "COPY support_tickets (id, customer_id, opened_on, subject, priority, status) FROM stdin;")?;
    for id in 1..=TICKETS {
        writeln!(out, "{}", generator::ticket(&mut random, id).join("\t"))?;
    }
    writeln!(out, "\\.\n")?;
    out.write_all(INDEXES.as_bytes())?;
    out.write_all(b"COMMIT;\nANALYZE;\n")
}

fn write_orders(out: &mut impl Write, orders: &[Order]) -> io::Result<()> {
    writeln!(out, "COPY orders (id, customer_id, ordered_on, status) FROM stdin;")?;
    for order in orders {
        writeln!(out, "{}\t{}\t{}\t{}", order.id, order.customer, order.ordered_on, order.status)?;
    }
    writeln!(out, "\\.\n\nCOPY order_lines (order_id, position, product_id, quantity, unit_price) FROM stdin;")?;
    for order in orders {
        for (position, (product, quantity, price)) in order.lines.iter().enumerate() {
            writeln!(out, "{}\t{}\t{product}\t{quantity}\t{}", order.id, position + 1, money(*price))?;
        }
    }
    writeln!(out, "\\.\n\nCOPY invoices (id, order_id, customer_id, issued_on, due_on, paid_on, amount) FROM stdin;")?;
    let invoiced = orders.iter().filter_map(|order| order.invoice.as_ref().map(|invoice| (order, invoice)));
    for (id, (order, (issued, due, paid))) in invoiced.enumerate() {
        let paid = paid.as_deref().unwrap_or("\\N");
        let amount = money(order.total_cents());
        writeln!(out, "{}\t{}\t{}\t{issued}\t{due}\t{paid}\t{amount}", id + 1, order.id, order.customer)?;
    }
    writeln!(out, "\\.\n")
}

fn money(cents: usize) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
