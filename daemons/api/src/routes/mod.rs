//! The HTTP API: one file for each resource of it, request and answer types beside their handlers.
//!
//! Everything below `/api/v1` is in the OpenAPI document, which is made from these very routes. `/hooks` and the UI's pages
//! stand beside it.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answers::{self, Transport};
use crate::auth::{Caller, cross_site};
use crate::http_error::ApiError;
use crate::state::SharedApi;

pub(crate) use document::openapi_json;

mod api_tokens;
mod app_life;
mod app_queries;
mod app_runs;
mod approvals;
mod apps;
mod audit;
mod block_runs;
mod document;
mod documents;
mod environments;
mod events;
mod explain;
mod exports;
mod folders;
mod grants;
mod groups;
mod hooks;
mod host_key;
mod imports;
pub(crate) mod json;
mod last;
mod library_queries;
mod library_sets;
mod library_use;
mod links;
mod people;
mod probes;
mod queue;
mod resource_accounts;
mod resource_environments;
mod resources;
mod run_controls;
mod run_events;
mod run_starts;
mod runs;
mod schedules;
mod second_factor;
mod secrets;
mod session;
mod sessions;
mod sign_in;
mod sign_in_settings;
mod signatures;
mod source_control;
mod ssh_hosts;
mod system;
mod table_imports;
mod table_logins;
mod tables;
mod users;
mod workflows;

/// What the document says of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bulkhead",
        description = "The API that the UI uses. Refusals and failures are RFC 9457 problem documents (`Problem`). A session is \
                       the cookie `__Host-bulkhead`; with it, a request that changes something needs JSON, the header \
                       `x-bulkhead-csrf: 1` and the browser's `Sec-Fetch-Site` or `Origin`. A program sends a token of a person as \
                       `Authorization: Bearer` instead, and none of these."
    ),
    components(schemas(
        bulkhead_rpc::Problem,
        bulkhead_rpc::connector::QueryResult,
        bulkhead_rpc::export::ExportFormat,
        bulkhead_rpc::executor::RunEvent
    ))
)]
struct Document;

/// The API's routes and their document.
fn api() -> OpenApiRouter<SharedApi> {
    let routes = OpenApiRouter::new()
        .merge(account_routes())
        .merge(app_routes())
        .merge(workflow_routes())
        .merge(resource_routes())
        .merge(code_routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", routes)
}

fn account_routes() -> OpenApiRouter<SharedApi> {
    OpenApiRouter::new()
        .routes(routes!(session::login))
        .routes(routes!(session::logout))
        .routes(routes!(session::session))
        .routes(routes!(sign_in::ways))
        .routes(routes!(sign_in::begin))
        .routes(routes!(sign_in::complete))
        .routes(routes!(sign_in_settings::show))
        .routes(routes!(sign_in_settings::create))
        .routes(routes!(sign_in_settings::update, sign_in_settings::delete))
        .routes(routes!(sign_in_settings::set_passwords))
        .routes(routes!(sign_in_settings::list_own))
        .routes(routes!(sign_in_settings::remove_own))
        .routes(routes!(second_factor::log_in_with_code))
        .routes(routes!(second_factor::begin_required))
        .routes(routes!(second_factor::confirm_required))
        .routes(routes!(second_factor::show, second_factor::begin))
        .routes(routes!(second_factor::confirm))
        .routes(routes!(second_factor::renew))
        .routes(routes!(second_factor::remove))
        .routes(routes!(second_factor::reset))
        .routes(routes!(second_factor::require))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::end_all))
        .routes(routes!(api_tokens::list, api_tokens::create))
        .routes(routes!(api_tokens::revoke))
        .routes(routes!(api_tokens::list_all))
        .routes(routes!(api_tokens::revoke_any))
        .routes(routes!(links::inspect))
        .routes(routes!(links::redeem))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::update))
        .routes(routes!(users::invite))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::show, groups::update, groups::delete))
        .routes(routes!(groups::add_member, groups::remove_member))
        .routes(routes!(people::find))
        .routes(routes!(folders::list, folders::create))
        .routes(routes!(folders::rename, folders::delete))
        .routes(routes!(grants::folder::list))
        .routes(routes!(grants::folder::set, grants::folder::remove))
        .routes(routes!(grants::folder::set_group, grants::folder::remove_group))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::seal))
        .routes(routes!(system::admin_link))
        .routes(routes!(system::recover_admin))
        .routes(routes!(system::built_in_resource))
        .routes(routes!(system::run_code))
}

fn app_routes() -> OpenApiRouter<SharedApi> {
    OpenApiRouter::new()
        .routes(routes!(apps::list, apps::create))
        .routes(routes!(apps::show, apps::delete))
        .routes(routes!(apps::save_draft))
        .routes(routes!(apps::releases, apps::release))
        .routes(routes!(apps::restore))
        .routes(routes!(app_life::release))
        .routes(routes!(app_life::module))
        .routes(routes!(app_life::label))
        .routes(routes!(app_life::mark))
        .routes(routes!(app_life::hold))
        .routes(routes!(app_life::leave))
        .routes(routes!(app_life::usage))
        .routes(routes!(apps::released))
        .routes(routes!(app_queries::run))
        .routes(routes!(app_queries::run_unsaved))
        .routes(routes!(exports::of_app))
        .routes(routes!(exports::of_builder))
        .routes(routes!(app_runs::start))
        .routes(routes!(explain::query))
        .routes(routes!(grants::app::list))
        .routes(routes!(grants::app::set, grants::app::remove))
        .routes(routes!(grants::app::set_group, grants::app::remove_group))
        .routes(routes!(grants::app_place::set))
}

fn workflow_routes() -> OpenApiRouter<SharedApi> {
    OpenApiRouter::new()
        .routes(routes!(workflows::list, workflows::create))
        .routes(routes!(workflows::show, workflows::delete))
        .routes(routes!(workflows::save_draft))
        .routes(routes!(workflows::releases, workflows::release))
        .routes(routes!(workflows::restore))
        .routes(routes!(workflows::new_key))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::pause))
        .routes(routes!(schedules::resume))
        .routes(routes!(schedules::preview))
        .routes(routes!(queue::settings, queue::set_settings))
        .routes(routes!(queue::pause))
        .routes(routes!(queue::resume))
        .routes(routes!(queue::show))
        .routes(routes!(queue::pause_all))
        .routes(routes!(queue::resume_all))
        .routes(routes!(imports::n8n))
        .routes(routes!(imports::openapi))
        .routes(routes!(block_runs::run))
        .routes(routes!(explain::block))
        .routes(routes!(runs::of_workflow, run_starts::start))
        .routes(routes!(events::send))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::rounds))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::decide))
        .routes(routes!(runs::logs))
        .routes(routes!(run_controls::cancel))
        .routes(routes!(run_controls::terminate))
        .routes(routes!(run_controls::pause))
        .routes(routes!(run_controls::resume))
        .routes(routes!(run_controls::choose))
        .routes(routes!(run_starts::rerun))
        .routes(routes!(run_events::follow))
        .routes(routes!(grants::workflow::list))
        .routes(routes!(grants::workflow::set, grants::workflow::remove))
        .routes(routes!(grants::workflow::set_group, grants::workflow::remove_group))
        .routes(routes!(grants::workflow_place::set))
}

fn resource_routes() -> OpenApiRouter<SharedApi> {
    OpenApiRouter::new()
        .routes(routes!(resources::list, resources::create))
        .routes(routes!(resources::show, resources::update, resources::delete))
        .routes(routes!(resources::test))
        .routes(routes!(resources::schema))
        .routes(routes!(resources::usage))
        .routes(routes!(tables::list))
        .routes(routes!(tables::rows))
        .routes(routes!(tables::export))
        .routes(routes!(tables::edit))
        .routes(routes!(tables::preview))
        .routes(routes!(tables::change))
        .routes(routes!(table_logins::list, table_logins::make))
        .routes(routes!(table_logins::remove))
        .routes(routes!(table_imports::begin))
        .routes(routes!(table_imports::add))
        .routes(routes!(table_imports::look, table_imports::run, table_imports::forget))
        .routes(routes!(resource_accounts::show, resource_accounts::disconnect))
        .routes(routes!(resource_accounts::connect))
        .routes(routes!(resource_accounts::complete))
        .routes(routes!(resource_environments::list))
        .routes(routes!(resource_environments::put, resource_environments::delete))
        .routes(routes!(environments::list, environments::create))
        .routes(routes!(environments::update, environments::delete))
        .routes(routes!(ssh_hosts::list, ssh_hosts::create))
        .routes(routes!(ssh_hosts::show, ssh_hosts::update, ssh_hosts::delete))
        .routes(routes!(ssh_hosts::test))
        .routes(routes!(ssh_hosts::host_key))
        .routes(routes!(library_queries::list, library_queries::create))
        .routes(routes!(library_queries::show, library_queries::delete))
        .routes(routes!(library_queries::save_draft))
        .routes(routes!(library_queries::release, library_queries::releases))
        .routes(routes!(library_queries::restore))
        .routes(routes!(library_queries::usage))
        .routes(routes!(library_queries::run))
        .routes(routes!(exports::of_library))
        .routes(routes!(grants::query::list))
        .routes(routes!(grants::query::set, grants::query::remove))
        .routes(routes!(grants::query::set_group, grants::query::remove_group))
        .routes(routes!(grants::query_place::set))
        .routes(routes!(grants::resource::list))
        .routes(routes!(grants::resource::set, grants::resource::remove))
        .routes(routes!(grants::resource::set_group, grants::resource::remove_group))
        .routes(routes!(grants::resource_place::set))
}

fn code_routes() -> OpenApiRouter<SharedApi> {
    OpenApiRouter::new()
        .routes(routes!(secrets::list, secrets::create))
        .routes(routes!(secrets::replace, secrets::delete))
        .routes(routes!(secrets::grant))
        .routes(routes!(library_sets::list, library_sets::create))
        .routes(routes!(library_sets::show, library_sets::replace, library_sets::delete))
        .routes(routes!(library_sets::build))
        .routes(routes!(source_control::show, source_control::connect, source_control::disconnect))
        .routes(routes!(source_control::server))
        .routes(routes!(source_control::compare_one))
        .routes(routes!(source_control::fetch))
        .routes(routes!(source_control::branches))
        .routes(routes!(source_control::commit))
        .routes(routes!(source_control::pull))
        .routes(routes!(source_control::job))
        .routes(routes!(source_control::protect))
}

/// All routes, as one listener serves them.
pub(crate) fn router(api_state: &SharedApi, transport: Transport) -> Router {
    let (api_router, _) = api().split_for_parts();
    api_router
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(cross_site::check_site))
        .route("/hooks/{workflow}/{trigger}", axum::routing::post(hooks::call))
        .fallback(crate::web::serve)
        .layer(from_fn_with_state(api_state.clone(), cross_site::check_host))
        .route("/healthz", axum::routing::get(probes::healthz))
        .route("/readyz", axum::routing::get(probes::readyz))
        .layer(from_fn_with_state((transport, api_state.metrics.clone()), answers::finish))
        .with_state(api_state.clone())
}

/// A method that a route does not have. Who has no session learns nothing of the routes.
async fn wrong_method(caller: Result<Caller, ApiError>) -> Response {
    match caller {
        Ok(_) => ApiError::MethodNotAllowed.into_response(),
        Err(error) => error.into_response(),
    }
}
