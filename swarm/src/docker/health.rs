//! A health check's second home: a label of the container.
//!
//! Docker's name for it is `Healthcheck`, and bollard 0.21 reads `HealthCheck`: what is written arrives, since Docker
//! does not mind the case, and what is read is lost. So it is written into a label as well, and read from there as
//! long as bollard has nothing to say. The price: a check that was changed by hand is not seen. As part of the
//! container's labels it is part of the task too, and so a task with another check is not of the present spec.

use std::collections::HashMap;

use bollard::models;

const LABEL: &str = "io.pirack.health";

type Labels = Option<HashMap<String, String>>;

/// Takes the label out, and fills the check in where bollard lost it.
pub(super) fn read(container: &mut models::TaskSpecContainerSpec) {
    let told = container.labels.as_mut().and_then(|labels| labels.remove(LABEL));
    if container.labels.as_ref().is_some_and(HashMap::is_empty) {
        container.labels = None;
    }
    let kept = told.and_then(|text| serde_json::from_str(&text).ok());
    container.health_check = container.health_check.take().or(kept);
}

/// Adds the label to those that a container has.
///
/// # Errors
/// Never in practice: a check has plain fields.
pub(super) fn label(
    labels: &mut Labels,
    health: Option<&models::HealthConfig>,
) -> Result<(), serde_json::Error> {
    if let Some(health) = health {
        let text = serde_json::to_string(health)?;
        labels.get_or_insert_default().insert(LABEL.to_owned(), text);
    }
    Ok(())
}
