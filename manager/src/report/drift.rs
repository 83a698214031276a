//! What an apply would change, from one look. Pure.

use crate::look::Look;
use crate::operation::plan::{Plan, Wanted, plan};
use crate::operation::seen::Seen;

/// The plan.
///
/// # Errors
/// In words, where there can be none: no manager answers, or what the file says cannot be said to Docker.
pub fn planned(wanted: &Wanted<'_>, look: &Look) -> Result<Plan, String> {
    if look.swarm.is_err() {
        return Err("no manager answers".to_owned());
    }
    let mut plan = plan(wanted, &Seen::of(look)).map_err(|error| error.to_string())?;
    // What is not at hand here, packages and boards that are silent, is no difference between file and rack.
    plan.undone.retain(|left| !left.unknown);
    Ok(plan)
}

/// What it would change, a few words each.
#[must_use]
pub fn titles(plan: &Plan) -> Vec<String> {
    let refused = plan.refused.iter().map(|left| format!("{} (refused)", left.subject));
    let undone = plan.undone.iter().map(|left| format!("{} (apply cannot: {})", left.subject, left.reason));
    refused.chain(undone).chain(plan.steps.iter().map(|step| step.title())).collect()
}
