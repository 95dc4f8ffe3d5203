//! The OpenAPI document, made from the routes.

use std::collections::BTreeSet;

use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{Components, RefOr};

/// The OpenAPI document, as checked in.
pub(crate) fn openapi_json() -> String {
    let mut document = super::api().into_openapi();
    // The version is that of the API's path; the build's own would change the document at every release.
    "v1".clone_into(&mut document.info.version);
    document.components.as_mut().into_iter().for_each(open_what_is_joined);
    let mut text = serde_json::to_string_pretty(&document).expect("the document is plain data");
    text.push('\n');
    text
}

/// A type that refuses unknown fields says "no further properties". Where it is joined with others by `allOf` (a variant with its tag,
/// a flattened field), each part would so refuse the other's fields and nothing could satisfy both.
fn open_what_is_joined(components: &mut Components) {
    let mut joined = BTreeSet::new();
    components.schemas.values().for_each(|schema| find_joined(schema, &mut joined));
    for name in joined {
        let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) else { continue };
        if object.additional_properties.as_deref() == Some(&AdditionalProperties::FreeForm(false)) {
            object.additional_properties = None;
        }
    }
}

/// The names of the schemas that are parts of an `allOf`.
fn find_joined(schema: &RefOr<Schema>, names: &mut BTreeSet<String>) {
    match schema {
        RefOr::T(Schema::OneOf(one_of)) => one_of.items.iter().for_each(|item| find_joined(item, names)),
        RefOr::T(Schema::AllOf(all_of)) => names.extend(all_of.items.iter().filter_map(name_of)),
        _ => {}
    }
}

fn name_of(schema: &RefOr<Schema>) -> Option<String> {
    let RefOr::Ref(reference) = schema else { return None };
    reference.ref_location.strip_prefix("#/components/schemas/").map(str::to_owned)
}
