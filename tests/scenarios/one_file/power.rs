//! The commonest event of all: every board loses its power at once, and they come back in any order, without a
//! registry or the internet, and nobody types a command.

use crate::Promise;
use crate::rack::Rack;

pub(crate) const PROMISES: &[Promise] = &[(
    "power::all_boards_lose_power_at_once_and_the_rack_is_healthy_again_without_a_command",
    Rack::power_is_cut,
)];

impl Rack {
    fn power_is_cut(&mut self) {
        self.lab.isolate().unwrap();
        self.lab.cut_power().unwrap();
        // The admin, the first, comes last; the others as it happens.
        let mut others: Vec<usize> = (2..=self.lab.boards().len()).collect();
        self.chance.shuffle(&mut others);
        println!("power comes back to {others:?}, and then to the admin");
        for number in others.into_iter().chain([1]) {
            self.lab.board(number).power_on().unwrap();
        }
        self.when_healthy();
        self.ends_with(&["plan"], 0);
        self.lab.reconnect().unwrap();
    }
}
