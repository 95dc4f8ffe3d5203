//! Rows as JSON: what PostgreSQL itself would say, but for numbers that JSON's readers would round.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::kit::Service;

#[tokio::test]
async fn columns_are_told_and_repeated_names_are_numbered() {
    let service = Service::start().await;
    let result =
        service.run(&service.query("select 1 as a, 'x'::text as a, 3::int8 as a_2, true as a")).await.expect("runs");
    let columns: Vec<_> =
        result.columns.iter().map(|column| (column.name.as_str(), column.type_name.as_str())).collect();
    assert_eq!(columns, [("a", "int4"), ("a_2", "text"), ("a_2_2", "int8"), ("a_3", "bool")]);
    assert_eq!(json!(result.rows[0]), json!({ "a": 1, "a_2": "x", "a_2_2": 3, "a_3": true }));
    let empty = service.run(&service.query("select 1 as a where false")).await.expect("runs");
    assert_eq!((empty.columns.len(), empty.row_count, empty.end), (1, 0, true));
    assert_eq!(service.rows("select").await, [json!({})]);
}

#[tokio::test]
async fn types_have_their_json_form() {
    let service = Service::start().await;
    service.write("create type mood as enum ('glad', 'sad')").await.expect("made");
    service.write("create type pair as (a int, b text[])").await.expect("made");
    let cases = [
        ("9007199254740992::int8", json!(9_007_199_254_740_992_i64)),
        ("9007199254740993::int8", json!("9007199254740993")),
        ("(-9223372036854775808)::int8", json!("-9223372036854775808")),
        ("0.00001234::numeric", json!(0.000_012_34)),
        ("123456789012345::numeric", json!(123_456_789_012_345_i64)),
        ("1234567890123456::numeric", json!("1234567890123456")),
        ("'NaN'::numeric", json!("NaN")),
        ("'-Infinity'::float8", json!("-Infinity")),
        ("1e300::float8", json!(1e300)),
        ("'infinity'::timestamptz", json!("infinity")),
        ("'4713-01-01 BC'::date", json!("4713-01-01 BC")),
        ("'294276-12-31 23:59:59.999999'::timestamp", json!("294276-12-31T23:59:59.999999")),
        ("'24:00:00'::time", json!("24:00:00")),
        ("'10:00:00+05:30'::timetz", json!("10:00:00+05:30")),
        ("'-1 day 2 hours'::interval", json!("P-1DT7200S")),
        ("'0'::interval", json!("PT0S")),
        ("'\\x00ff10'::bytea", json!("AP8Q")),
        ("'glad'::mood", json!("glad")),
        ("array['glad', null]::mood[]", json!(["glad", null])),
        ("row(1, array['x', null])::pair", json!({ "a": 1, "b": ["x", null] })),
        ("array[row(1, null)::pair]", json!([{ "a": 1, "b": null }])),
        ("'{\"z\": 1, \"a\": [null, 1e3]}'::json", json!({ "z": 1, "a": [null, 1e3] })),
        ("b'1011'", json!("1011")),
        ("'08:00:2b:01:02:03'::macaddr", json!("08:00:2b:01:02:03")),
        ("'::1'::inet", json!("::1")),
        ("'10.0.0.0/8'::cidr", json!("10.0.0.0/8")),
        ("pg_advisory_xact_lock(1)", Value::Null),
    ];
    for (sql, expected) in cases {
        let rows = service.rows(&format!("select {sql} as v")).await;
        assert_eq!(rows, [json!({ "v": expected })], "{sql}");
    }
    let problem = service.problem("select point '(1, 2)' as place").await;
    assert_eq!((problem.status, problem.code.as_str()), (422, "column-type"));
    assert!(problem.detail.contains("place::text"), "{}", problem.detail);
}

/// A value of each type, as text that PostgreSQL reads, beside what its own JSON writer says of it.
#[tokio::test]
async fn random_rows_read_as_postgresql_writes_them() {
    let service = Service::start().await;
    let table =
        "create table random (id int, i2 int2, i8 int8, f4 float4, f8 float8, n numeric, t text, b bool, u uuid,
        d date, ts timestamp, tz timestamptz, j json, jb jsonb, ta text[], ia int4[], da date[])";
    service.write(table).await.expect("made");
    let mut runner = TestRunner::deterministic();
    for id in 0..300_i32 {
        let row = random_row().new_tree(&mut runner).expect("a row").current();
        let sql = format!(
            "insert into random values ({id}, $1::text::int2, $2::text::int8, $3::text::float4, $4::text::float8, $5::text::numeric,
             $6::text, $7::text::bool, $8::text::uuid, $9::text::date, $10::text::timestamp, $11::text::timestamptz, $12::text::json,
             $13::text::jsonb, $14::text[], $15::int4[], $16::text[]::date[])"
        );
        let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = row
            .texts
            .iter()
            .map(|text| text as &(dyn tokio_postgres::types::ToSql + Sync))
            .chain([&row.text_array as _, &row.int_array as _, &row.date_array as _])
            .collect();
        service.observer.execute(&sql, &values).await.expect("stored");
    }
    service.observer.batch_execute("SET TIME ZONE 'UTC'").await.expect("set");
    let expected = service.observer.query("select row_to_json(r) from random r order by id", &[]).await.expect("read");
    let seen = service.rows("select * from random order by id").await;
    assert_eq!(seen.len(), expected.len());
    for (seen, expected) in seen.iter().zip(&expected) {
        let expected: Value = expected.get(0);
        for (column, expected) in expected.as_object().expect("a row") {
            assert!(same(&seen[column], expected), "{column}: {} instead of {expected}", seen[column]);
        }
    }
}

/// Equal, but for numbers written as strings, the zone's two spellings, and single-precision numbers' digits.
fn same(seen: &Value, expected: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match (seen, expected) {
        (Value::String(seen), Value::String(expected)) if seen != expected => seen.replace('Z', "+00:00") == *expected,
        // The reader of the expected value may be off by the last bit of a double.
        (seen, Value::Number(_)) => {
            matches!((number(seen), number(expected)), (Some(a), Some(b)) if (a - b).abs() <= 1e-15 * a.abs())
        }
        (seen, expected) => seen == expected,
    }
}

#[derive(Clone, Debug)]
struct RandomRow {
    texts: Vec<Option<String>>,
    text_array: Option<Vec<Option<String>>>,
    int_array: Option<Vec<Option<i32>>>,
    date_array: Option<Vec<String>>,
}

/// A day of the years that PostgreSQL knows.
fn date() -> impl Strategy<Value = String> {
    (1_i32..9999, 1_u8..13, 1_u8..29, any::<bool>()).prop_map(|(year, month, day, before_christ)| {
        let year = if before_christ { year.min(4700) } else { year };
        format!("{year:04}-{month:02}-{day:02}{}", if before_christ { " BC" } else { "" })
    })
}

fn moment() -> impl Strategy<Value = String> {
    (date(), 0_u64..86_400_000_000).prop_map(|(date, micros)| {
        let (day, era) = date.split_at(10);
        let seconds = micros / 1_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{day} {hour:02}:{minute:02}:{second:02}.{:06}{era}", micros % 1_000_000)
    })
}

/// Text without NUL, which PostgreSQL cannot hold.
fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,20}"
}

fn document() -> impl Strategy<Value = String> {
    (text(), any::<i32>(), any::<bool>())
        .prop_map(|(text, number, truth)| json!({ "é": [text, number], "t": truth }).to_string())
}

fn random_row() -> impl Strategy<Value = RandomRow> {
    let numeric = "-?[0-9]{1,20}(\\.[0-9]{1,20})?";
    let numbers = (any::<i16>(), any::<i64>(), prop::num::f32::NORMAL, prop::num::f64::NORMAL, numeric);
    let texts = (text(), any::<bool>(), any::<u128>(), document(), document());
    let times = (date(), moment(), moment());
    let arrays = (
        prop::option::of(prop::collection::vec(prop::option::of(text()), 0..4)),
        prop::option::of(prop::collection::vec(prop::option::of(any::<i32>()), 0..4)),
        prop::option::of(prop::collection::vec(date(), 0..4)),
    );
    let nulls = prop::collection::vec(prop::bool::weighted(0.15), 13);
    (numbers, texts, times, arrays, nulls).prop_map(|(numbers, texts, times, arrays, nulls)| {
        let (i2, i8, f4, f8, n) = numbers;
        let (t, b, u, j, jb) = texts;
        let (d, ts, tz) = times;
        let u = uuid::Uuid::from_u128(u).to_string();
        let all =
            [i2.to_string(), i8.to_string(), f4.to_string(), f8.to_string(), n, t, b.to_string(), u, d, ts, tz, j, jb];
        let texts = all.into_iter().zip(nulls).map(|(text, null)| (!null).then_some(text)).collect();
        RandomRow { texts, text_array: arrays.0, int_array: arrays.1, date_array: arrays.2 }
    })
}
