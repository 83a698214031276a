//! Makes a rack what its file says.

use super::plan::{Left, Plan, Wanted, plan};
use super::run::{self, Job, Look};
use super::saved::{Moved, Saved};
use super::seen::Seen;
use super::world::World;
use super::{Conductor, OperationError};
use crate::rack::Rack;
use crate::stack::StackError;
use crate::stack::roll;

/// What an apply is asked to do.
pub struct Request<'a> {
    /// The rack and what goes with it.
    pub wanted: Wanted<'a>,
    /// The plan that somebody saw and agreed to, where it must be that one.
    pub saved: Option<&'a Saved>,
    /// Takes the lock from whoever has it.
    pub break_lock: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Steps that were taken.
    pub steps: usize,
    /// What could not be done now.
    pub undone: Vec<Left>,
}

/// Plans without doing anything.
///
/// # Errors
/// When what is wanted cannot be said to Docker.
pub async fn look<W: World>(wanted: &Wanted<'_>, world: &W) -> Result<(Seen, Plan), StackError> {
    let seen = world.see(wanted.rack).await;
    let plan = plan(wanted, &seen)?;
    Ok((seen, plan))
}

/// Applies.
///
/// # Errors
/// As [`OperationError`] says; whatever was done by then stays.
pub async fn apply<W: World>(
    request: &Request<'_>,
    world: &W,
    conductor: &Conductor,
) -> Result<Applied, OperationError> {
    let ended = run::run(request, world, conductor).await?;
    Ok(Applied { steps: ended.steps, undone: ended.undone })
}

impl<W: World> Job<W> for Request<'_> {
    type Rest = ();

    fn rack(&self) -> &Rack {
        self.wanted.rack
    }

    fn breaks_lock(&self) -> bool {
        self.break_lock
    }

    async fn look(&self, world: &W) -> Result<Look<()>, StackError> {
        let (seen, plan) = look(&self.wanted, world).await?;
        Ok(self.on(seen, plan))
    }

    async fn look_again(&self, world: &W, seen: Seen) -> Result<Look<()>, StackError> {
        let seen = seen.renewed(world.glance(self.wanted.rack).await);
        let plan = plan(&self.wanted, &seen)?;
        Ok(self.on(seen, plan))
    }

    fn agreed(&self, plan: &Plan) -> Result<(), Moved> {
        self.saved.map_or(Ok(()), |saved| saved.holds(plan))
    }
}

impl Request<'_> {
    fn on(&self, seen: Seen, plan: Plan) -> Look<()> {
        let well = roll::well(&seen.present(self.wanted.rack));
        let behind = run::behind(self.wanted.rack, &seen);
        Look { seen, plan, well, behind, rest: () }
    }
}
