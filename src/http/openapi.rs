//! The description of the interface. The paths come from the router's handlers, the shapes from the types
//! that are served.

use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, OpenApi as Document, Ref, RefOr, Required, ResponseBuilder,
};

use crate::http::problem::ErrorReply;

/// What is described besides the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "leanrepl",
        description = "Runs Lean 4 as a service. Besides these paths, a POST to any other path is a raw Lean source, except below `/v1`, `/api`, `/mcp` and `/rpc`. A slash at the end of a path changes nothing.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorReply))
)]
struct Description;

/// A description without paths yet.
pub(crate) fn without_paths() -> Document {
    Description::openapi()
}

/// Adds what holds for every operation.
pub(crate) fn add_common(document: &mut Document) {
    let components = document.components.get_or_insert_with(Components::new);
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    let error = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorReply")))
        .build();
    let response = ResponseBuilder::new()
        .description("the request is not answered as asked")
        .content("application/json", error)
        .build();
    for item in document.paths.paths.values_mut() {
        let operations: [&mut Option<Operation>; 3] =
            [&mut item.get, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            for parameter in operation.parameters.iter_mut().flatten() {
                // An optional type would be one that may be null as well.
                if let RefOr::T(parameter) = parameter
                    && parameter.parameter_in == ParameterIn::Header
                {
                    parameter.required = Required::False;
                }
            }
            let responses = &mut operation.responses.responses;
            responses
                .entry("default".to_owned())
                .or_insert_with(|| response.clone().into());
        }
    }
}
