//! Nodes that make other lists out of lists, as code.

use bulkhead_model::workflow::Language;

use super::{Made, Task, code_block, own_code};
use crate::export::Node;
use crate::expressions::literal;
use crate::report::{Level, quoted};
use crate::text::Writer;
use crate::view::{Place, View};

/// Code, or why there is none.
type Source = Result<String, String>;

/// A node with one input.
pub(super) fn of(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let all = View::of(task.plan, task.place, Place::Once).given.map_or_else(|| "[]".to_owned(), |given| given.all);
    let operation =
        if node.kind == "itemLists" { node.param("operation").as_str().unwrap_or("splitOutItems") } else { &node.kind };
    let source = match operation {
        "splitOut" | "splitOutItems" => split_out(node, &all),
        "aggregate" | "aggregateItems" | "concatenateItems" => aggregate(node, &all),
        "limit" => limit(node, &all, writer),
        "sort" => sort(node, &all),
        "removeDuplicates" => remove_duplicates(node, &all),
        other => Err(format!("It does `{}`, for which there is no word here.", quoted(other))),
    };
    Ok(code_block(Language::Javascript, source?))
}

/// A field of `root` by its path.
fn field(root: &str, path: &str) -> String {
    let mut parts = path.split('.').map(literal);
    let first = parts.next().map_or_else(|| root.to_owned(), |first| format!("{root}[{first}]"));
    parts.fold(first, |found, part| format!("{found}?.[{part}]"))
}

fn names(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn split_out(node: &Node, all: &str) -> Source {
    let [path] = names(node.text("fieldToSplitOut"))[..] else {
        return Err("It splits by several fields or by none: write it as code.".to_owned());
    };
    if path.starts_with('=') {
        return Err("Which field it splits by is computed: write it as code.".to_owned());
    }
    let target = node.at("options.destinationFieldName").as_str().filter(|name| !name.is_empty());
    let key = literal(target.or(path.rsplit('.').next()).unwrap_or(path));
    let item = match node.param("include").as_str().unwrap_or("noOtherFields") {
        "noOtherFields" if target.is_none() => {
            format!("typeof value === 'object' && value !== null ? value : {{ {key}: value }}")
        }
        "noOtherFields" => format!("({{ {key}: value }})"),
        "allOtherFields" => format!("({{ ...entry, {key}: value }})"),
        "selectedOtherFields" => {
            let kept: Vec<String> = names(node.text("fieldsToInclude"))
                .iter()
                .map(|name| format!("{}: {}", literal(name), field("entry", name)))
                .collect();
            format!("({{ {}, {key}: value }})", kept.join(", "))
        }
        other => return Err(format!("It keeps `{}`, for which there is no word here.", quoted(other))),
    };
    Ok(format!(
        "return {all}.flatMap((entry) =>\n  Object.values({} ?? []).map((value) => ({item})),\n);\n",
        field("entry", path)
    ))
}

fn aggregate(node: &Node, all: &str) -> Source {
    if !node.at("options.groupByFields").as_str().unwrap_or_default().is_empty() {
        return Err("It groups its items: write it as code.".to_owned());
    }
    if node.text("aggregate") == "aggregateAllItemData" {
        let key = literal(node.param("destinationFieldName").as_str().unwrap_or("data"));
        let chosen = |names: Vec<&str>, is_kept: &str| {
            let names: Vec<String> = names.into_iter().map(literal).collect();
            let test = format!("{is_kept}[{}].includes(name)", names.join(", "));
            format!("{all}.map((entry) => Object.fromEntries(Object.entries(entry).filter(([name]) => {test})))")
        };
        let list = match node.text("include") {
            "specifiedFields" => chosen(names(node.text("fieldsToInclude")), ""),
            "allFieldsExcept" => chosen(names(node.text("fieldsToExclude")), "!"),
            _ => all.to_owned(),
        };
        return Ok(format!("return [{{ {key}: {list} }}];\n"));
    }
    let mut fields = Vec::new();
    for entry in node.list("fieldsToAggregate.fieldToAggregate") {
        let path = entry["fieldToAggregate"].as_str().unwrap_or_default();
        let renamed = entry["outputFieldName"].as_str().filter(|name| !name.is_empty() && entry["renameField"] == true);
        let key = literal(renamed.or(path.rsplit('.').next()).unwrap_or(path));
        let mut list = format!("{all}.map((entry) => {})", field("entry", path));
        if node.at("options.keepMissing") != true {
            list.push_str(".filter((value) => value != null)");
        }
        if node.at("options.mergeLists") == true {
            list.push_str(".flat()");
        }
        fields.push(format!("  {key}: {list},\n"));
    }
    if fields.is_empty() {
        return Err("It aggregates no field.".to_owned());
    }
    Ok(format!("return [{{\n{}}}];\n", fields.concat()))
}

fn limit(node: &Node, all: &str, writer: &mut Writer<'_>) -> Source {
    let count = node.param("maxItems");
    let count = if count.is_null() { "1".to_owned() } else { writer.expression(count) };
    Ok(if node.text("keep") == "lastItems" {
        format!("const list = {all};\nreturn list.slice(Math.max(0, list.length - ({count})));\n")
    } else {
        format!("return {all}.slice(0, {count});\n")
    })
}

fn sort(node: &Node, all: &str) -> Source {
    match node.param("type").as_str().unwrap_or("simple") {
        "simple" => {}
        "random" => {
            return Ok(format!(
                "const keyed = {all}.map((entry) => [Math.random(), entry]);\nreturn keyed.sort((a, b) => a[0] - b[0]).map(([, entry]) => entry);\n"
            ));
        }
        "code" => {
            let code = own_code(node.text("code"))?;
            return Ok(format!(
                "const items = {all}.map((json) => ({{ json }}));\nreturn items.sort((a, b) => {{\n{code}\n}}).map(({{ json }}) => json);\n"
            ));
        }
        other => return Err(format!("It sorts by `{}`, for which there is no word here.", quoted(other))),
    }
    let mut keys = Vec::new();
    for entry in node.list("sortFieldsUi.sortField") {
        let path = entry["fieldName"].as_str().unwrap_or_default();
        let sign = if entry["order"] == "descending" { -1 } else { 1 };
        keys.push(format!("  [{sign}, (entry) => {}],\n", field("entry", path)));
    }
    if keys.is_empty() {
        return Err("It sorts by no field.".to_owned());
    }
    Ok(format!(
        "const keys = [\n{}];\n\
         const fold = (value) => (typeof value === 'string' ? value.toLowerCase() : value);\n\
         const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);\n\
         return [...{all}].sort((a, b) => {{\n  \
           for (const [sign, key] of keys) {{\n    \
             const found = order(fold(key(a)), fold(key(b)));\n    \
             if (found !== 0) return sign * found;\n  \
           }}\n  \
           return 0;\n\
         }});\n",
        keys.concat()
    ))
}

fn remove_duplicates(node: &Node, all: &str) -> Source {
    let operation = node.param("operation").as_str().unwrap_or("removeDuplicateInputItems");
    if !["removeDuplicateInputItems", "removeDuplicates"].contains(&operation) {
        return Err("It remembers items of earlier runs: keep them in a table.".to_owned());
    }
    let listed = |key: &str| {
        let text =
            node.param(key).as_str().or(node.at(&format!("{key}.fields")).as_str()).unwrap_or_default().to_owned();
        names(&text).into_iter().map(literal).collect::<Vec<_>>().join(", ")
    };
    let key = match node.param("compare").as_str().unwrap_or("allFields") {
        "selectedFields" => {
            let text = node.text("fieldsToCompare");
            let fields: Vec<String> = names(text).iter().map(|name| field("entry", name)).collect();
            format!("[{}]", fields.join(", "))
        }
        "allFieldsExcept" => {
            format!("Object.entries(entry).filter(([name]) => ![{}].includes(name)).sort()", listed("fieldsToExclude"))
        }
        _ => "Object.entries(entry).sort()".to_owned(),
    };
    Ok(format!(
        "const seen = new Set();\nreturn {all}.filter((entry) => {{\n  const key = JSON.stringify({key});\n  \
         return !seen.has(key) && seen.add(key);\n}});\n"
    ))
}

/// A Merge.
pub(super) fn merge(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let used = task.plan.given.flow.sources(task.place).iter().map(|link| link.input + 1).max().unwrap_or(0);
    let mut inputs = Vec::new();
    for input in 0..used.clamp(2, 20) {
        let is_linked = task.plan.given.flow.sources(task.place).iter().any(|link| link.input == input);
        let given = View::at_input(task.plan, task.place, input).given.filter(|_| is_linked);
        if given.is_none() && is_linked {
            let message =
                format!("Its input {} is out of reach here, and an empty list: it comes from a body.", input + 1);
            writer.problem(Level::Missing, message);
        }
        inputs.push(given.map_or_else(|| "[]".to_owned(), |given| given.all));
    }
    if !node.at("options.clashHandling").is_null() {
        writer.problem(Level::Changed, "If both have a field, that of the second input is taken.");
    }
    let (one, other) = (&inputs[0], &inputs[1]);
    let mode = merge_mode(node);
    let source = match mode {
        "append" => {
            format!("return [{}];\n", inputs.iter().map(|list| format!("...{list}")).collect::<Vec<_>>().join(", "))
        }
        "position" => format!(
            "const lists = [{}];\nconst length = Math.{}(...lists.map((list) => list.length));\n\
             return Array.from({{ length }}, (_, at) => Object.assign({{}}, ...lists.map((list) => list[at] ?? {{}})));\n",
            inputs.join(", "),
            if node.at("options.includeUnpaired") == true { "max" } else { "min" }
        ),
        "all" => {
            format!("const others = {other};\nreturn {one}.flatMap((a) => others.map((b) => ({{ ...a, ...b }})));\n")
        }
        "choose" => {
            let number = node
                .param("useDataOfInput")
                .as_u64()
                .or_else(|| node.text("output").strip_prefix("input")?.parse().ok());
            let chosen = usize::try_from(number.unwrap_or(1)).unwrap_or(1).saturating_sub(1);
            format!("return {};\n", inputs.get(chosen).unwrap_or(one))
        }
        "fields" => return Ok(code_block(Language::Javascript, by_fields(node, one, other)?)),
        other => return Err(format!("It merges by `{}`, for which there is no word here.", quoted(other))),
    };
    Ok(code_block(Language::Javascript, source))
}

fn merge_mode(node: &Node) -> &str {
    let combine = node.param("combineBy").as_str().or(node.param("combinationMode").as_str());
    match node.param("mode").as_str().unwrap_or("append") {
        "append" => "append",
        "combine" => match combine.unwrap_or("combineByFields") {
            "combineByPosition" | "mergeByPosition" => "position",
            "combineAll" | "multiplex" => "all",
            "combineByFields" | "mergeByFields" => "fields",
            other => other,
        },
        "mergeByIndex" => "position",
        "multiplex" => "all",
        "mergeByKey" | "keepKeyMatches" | "removeKeyMatches" => "fields",
        "chooseBranch" | "passThrough" | "wait" => "choose",
        other => other,
    }
}

/// A merge of items whose fields are the same.
fn by_fields(node: &Node, one: &str, other: &str) -> Source {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for name in names(node.text("fieldsToMatchString")) {
        pairs.push((name.to_owned(), name.to_owned()));
    }
    for entry in node.list("mergeByFields.values") {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        pairs.push((text("field1"), text("field2")));
    }
    if !node.text("propertyName1").is_empty() {
        pairs.push((node.text("propertyName1").to_owned(), node.text("propertyName2").to_owned()));
    }
    if pairs.is_empty() {
        return Err("It names no field by which items are matched.".to_owned());
    }
    let key = |root: &str, second: bool| {
        let fields: Vec<String> = pairs.iter().map(|(a, b)| field(root, if second { b } else { a })).collect();
        format!("JSON.stringify([{}])", fields.join(", "))
    };
    let default = match node.text("mode") {
        "mergeByKey" => "enrichInput1",
        "removeKeyMatches" => "keepNonMatches",
        _ => "keepMatches",
    };
    let enriched = |one: &str, other: &str, of_one: &str, of_other: &str| {
        format!(
            "{one}.flatMap((a) => {{\n  const found = {other}.filter((b) => {of_other}(b) === {of_one}(a));\n  \
             return found.length > 0 ? found.map((b) => ({{ ...a, ...b }})) : [a];\n}})"
        )
    };
    let matched = "one.flatMap((a) => other.filter((b) => keyOfOther(b) === keyOfOne(a)).map((b) => ({ ...a, ...b })))";
    let only_one = "one.filter((a) => !other.some((b) => keyOfOther(b) === keyOfOne(a)))";
    let only_other = "other.filter((b) => !one.some((a) => keyOfOne(a) === keyOfOther(b)))";
    let from = node.text("outputDataFrom");
    let result = match node.param("joinMode").as_str().unwrap_or(default) {
        "keepMatches" if from == "input1" => {
            "one.filter((a) => other.some((b) => keyOfOther(b) === keyOfOne(a)))".to_owned()
        }
        "keepMatches" if from == "input2" => {
            "other.filter((b) => one.some((a) => keyOfOne(a) === keyOfOther(b)))".to_owned()
        }
        "keepMatches" => matched.to_owned(),
        "keepNonMatches" if from == "input1" || node.text("mode") == "removeKeyMatches" => only_one.to_owned(),
        "keepNonMatches" if from == "input2" => only_other.to_owned(),
        "keepNonMatches" => format!("[...{only_one}, ...{only_other}]"),
        "keepEverything" => format!("[...{matched}, ...{only_one}, ...{only_other}]"),
        "enrichInput1" => enriched("one", "other", "keyOfOne", "keyOfOther"),
        "enrichInput2" => enriched("other", "one", "keyOfOther", "keyOfOne"),
        other => return Err(format!("It joins by `{}`, for which there is no word here.", quoted(other))),
    };
    Ok(format!(
        "const one = {one};\nconst other = {other};\nconst keyOfOne = (entry) => {};\nconst keyOfOther = (entry) => {};\nreturn {result};\n",
        key("entry", false),
        key("entry", true)
    ))
}
