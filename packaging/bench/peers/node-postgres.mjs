// Rows Q1 and Q2 as a small Node service: node-postgres behind node:http. Usage: node-postgres.mjs PORT
import http from 'node:http';
import pg from 'pg';

const settings = Object.fromEntries(
  process.env.BENCH_DATABASE.split(/\s+/).map((pair) => pair.split('=')),
);
const pool = new pg.Pool({
  host: settings.host,
  port: Number(settings.port ?? 5432),
  user: settings.user,
  password: settings.password,
  database: settings.dbname,
  max: 8,
});

const ONE_ROW = 'select id, name, email from customers where id = $1';
const MANY_ROWS = `select g as id, 'Customer number ' || g as name, 'customer' || g || '@example.test' as email,
  (g * 37 % 100000)::float8 / 100 as total, g % 2 = 0 as active from generate_series(1, 10000) g`;

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    try {
      const result =
        url.pathname === '/one'
          ? await pool.query({ name: 'one', text: ONE_ROW, values: [url.searchParams.get('id')] })
          : await pool.query({ name: 'many', text: MANY_ROWS });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(result.rows));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
