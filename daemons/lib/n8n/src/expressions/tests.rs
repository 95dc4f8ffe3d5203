//! A table of expressions.

use super::fake::Fake;
use super::*;

#[test]
fn what_has_a_like_is_replaced() {
    let cases = [
        ("$json.a", "load[0]?.a"),
        ("$json", "load[0]"),
        ("$json[\"a b\"]", "load[0]?.[\"a b\"]"),
        ("$json.user.name", "load[0]?.user?.name"),
        ("$json.list[0].x", "load[0]?.list?.[0]?.x"),
        ("$json.list[$json.n]", "load[0]?.list?.[load[0]?.n]"),
        ("$json.name.toUpperCase()", "load[0]?.name?.toUpperCase()"),
        ("$json.list.map(x => x.y + $json.z).join(', ')", "load[0]?.list?.map(x => x.y + load[0]?.z)?.join(', ')"),
        ("$json.a ? $json.b : 'no $json'", "load[0]?.a ? load[0]?.b : 'no $json'"),
        ("$json?.a?.b", "load[0]?.a?.b"),
        ("$json.n / 2 / $json.m", "load[0]?.n / 2 / load[0]?.m"),
        ("$json.t.replace(/\\$json/g, '')", "load[0]?.t?.replace(/\\$json/g, '')"),
        ("`${$json.a} of ${ $('X').first().json.n }`", "`${load[0]?.a} of ${ x[0]?.n }`"),
        ("`$json \\${$json}`", "`$json \\${$json}`"),
        ("$node[\"Get User\"].json.b", "get_user[index]?.b"),
        ("$node['X'].json[\"b\"]", "x[index]?.[\"b\"]"),
        ("$node.X.data.b", "x[index]?.b"),
        ("$('X').item.json.c", "x[index]?.c"),
        ("$(\"X\").first().json", "x[0]"),
        ("$('X').last().json.c", "x.at(-1).c"),
        ("$('X').all()", "x.map((json) => ({ json }))"),
        ("$('X').all().length", "x.map((json) => ({ json })).length"),
        ("$('X').itemMatching($itemIndex).json.c", "x[index]?.c"),
        ("$('X').isExecuted", "(typeof x !== 'undefined')"),
        ("$('X').item", "({ json: x[index] })"),
        ("$items(\"X\")[0].json.a", "x.map((json) => ({ json }))[0].json.a"),
        ("$items().length", "load.map((json) => ({ json })).length"),
        ("$input.first().json.a", "load[0]?.a"),
        ("$input.item.json", "load[0]"),
        ("$input.last().json.a", "load.at(-1).a"),
        ("$input.all().map(i => i.json.a)", "load.map((json) => ({ json })).map(i => i.json.a)"),
        ("$itemIndex + 1", "index + 1"),
        ("$runIndex", "0"),
        ("$execution.id", "run.id"),
        ("$workflow.name", "\"The \\\"title\\\"\""),
        ("$prevNode.name", "\"Load\""),
        ("$max(1, $json.a)", "Math.max(1, load[0]?.a)"),
        ("JSON.stringify($json)", "JSON.stringify(load[0])"),
        ("new Date($json.at).getTime();", "new Date(load[0]?.at).getTime()"),
        ("1 + 1", "1 + 1"),
        ("{ a: $json.a }", "({ a: load[0]?.a })"),
        ("[$json.a, 2e3]", "[load[0]?.a, 2e3]"),
        ("(() => $json.a)()", "(() => load[0]?.a)()"),
        ("other.a", "(other.a)"),
    ];
    for (n8n, ours) in cases {
        let translated = translate(n8n, &Fake("load[0]"));
        assert_eq!(translated.js, ours, "{n8n}");
        assert_eq!(translated.problems, [], "{n8n}");
    }
}

#[test]
fn the_clock_is_javascripts() {
    let cases = [
        ("$now", "new Date().toISOString()"),
        ("$now.toISO()", "new Date().toISOString()"),
        ("$now.toISODate()", "new Date().toISOString().slice(0, 10)"),
        ("$now.minus({ days: 7, hours: 1 }).toISO()", "new Date(Date.now() - 608400000).toISOString()"),
        (
            "$now.plus(2, 'weeks').toFormat('yyyy-MM-dd')",
            "new Date(Date.now() + 1209600000).toISOString().slice(0, 10)",
        ),
        ("$today.toMillis()", "new Date(new Date().setUTCHours(0, 0, 0, 0)).getTime()"),
        ("$now.year", "new Date().getUTCFullYear()"),
    ];
    for (n8n, ours) in cases {
        let translated = translate(n8n, &Fake("load[0]"));
        assert_eq!(translated.js, ours, "{n8n}");
        assert_eq!(translated.problems.first().map(|(level, _)| *level), Some(Level::Changed), "{n8n}");
    }
}

#[test]
fn what_has_no_like_stays_and_is_named() {
    let cases = [
        ("$env.TOKEN", "($env.TOKEN)", "$env"),
        ("$json.a.isEmpty()", "(load[0]?.a?.isEmpty())", ".isEmpty()"),
        ("$('gone').item.json.a", "($('gone').item.json.a)", "gone"),
        ("$(name).item.json", "($(name).item.json)", "computed"),
        ("$binary.data", "($binary.data)", "$binary"),
        ("$now.startOf('month')", "($now.startOf('month'))", "luxon"),
        ("DateTime.now()", "(DateTime.now())", "DateTime"),
        ("$execution.resumeUrl", "($execution.resumeUrl)", "$execution"),
        ("$fromAI('x')", "($fromAI('x'))", "$fromAI"),
    ];
    for (n8n, ours, named) in cases {
        let translated = translate(n8n, &Fake("load[0]"));
        assert_eq!(translated.js, ours, "{n8n}");
        let (level, message) = translated.problems.first().expect("a problem");
        assert_eq!(*level, Level::Missing, "{n8n}");
        assert!(message.contains(named), "{n8n}: {message}");
    }
}

#[test]
fn a_variable_is_declared() {
    let translated = translate("$vars.rate * 2", &Fake("load[0]"));
    assert_eq!(translated.js, "vars.rate * 2");
    assert_eq!(translated.problems.len(), 1);
}

#[test]
fn broken_and_deep_sources_are_copied() {
    for source in [
        "",
        "'",
        "`${",
        "$json.",
        "$json[",
        "$(",
        "$('X'",
        "$('X').",
        "\\",
        "$json.a(",
        "é$json",
        "/",
        "`\\",
        "$node[\"é",
    ] {
        translate(source, &Fake("load[0]"));
    }
    let deep = "$json.a(".repeat(5_000) + &")".repeat(5_000);
    assert!(translate(&deep, &Fake("load[0]")).problems[0].1.contains("nested"));
}
