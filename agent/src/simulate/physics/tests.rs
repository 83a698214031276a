use super::*;

fn worker(seed: u64, index: u64) -> BoardModel {
    BoardModel::new(seed, index, Role::Worker, Hardware::raspberry_pi_4(8, true))
}

#[test]
fn a_second_is_a_second_however_it_is_portioned() {
    let (mut whole, mut parts) = (worker(1, 1), worker(1, 1));
    whole.advance(64.0);
    for _ in 0..64 * 128 {
        parts.advance(1.0 / 128.0);
    }
    assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
    let before = format!("{whole:?}");
    whole.advance(-5.0);
    assert_eq!(format!("{whole:?}"), before);
}

/// Holds the load at an end of its range.
fn hold(board: &mut BoardModel, drift: f64, seconds: u32) {
    for _ in 0..seconds {
        (board.drift, board.burst, board.hot) = (drift, 0.0, 0.0);
        board.advance(1.0);
    }
}

#[test]
fn power_follows_load_at_once_and_heat_with_a_lag() {
    let mut board = worker(2, 1);
    hold(&mut board, -1.0, 900);
    let (watts, die, sink, volts) = (board.watts, board.die, board.sink, board.supply_volts());
    hold(&mut board, 1.0, 10);
    let soon = (board.watts - watts, board.sink - sink);
    assert!(board.supply_volts() < volts, "the supply sags");
    hold(&mut board, 1.0, 900);
    let late = (board.watts - watts, board.sink - sink);
    assert!(soon.0 > 0.9 * late.0, "{soon:?} {late:?}");
    assert!(soon.1 < 0.3 * late.1, "{soon:?} {late:?}");
    assert!(board.die - die > 15.0 && board.die > board.sink && board.sink > board.case);
}

#[test]
fn a_day_stays_within_what_boards_do_and_now_and_then_one_is_warm() {
    for (index, role) in [(0, Role::Admin), (1, Role::Manager), (2, Role::Worker), (3, Role::App)] {
        let hardware =
            if index % 2 == 0 { Hardware::raspberry_pi_4(8, true) } else { Hardware::orange_pi_5(false) };
        let mut board = BoardModel::new(11, index, role, hardware);
        let (mut warm, mut load) = (0, 0.0);
        let mut totals = board.network_bytes();
        for _ in 0..86_400 {
            board.advance(1.0);
            assert!((0.0..=1.0).contains(&board.cpu_ratio()));
            assert!((25.0..95.0).contains(&board.cpu_celsius()), "{role:?} {}", board.cpu_celsius());
            assert!((18.0..28.0).contains(&board.inlet_celsius()), "{}", board.inlet_celsius());
            assert!((0.02..0.95).contains(&board.exhaust_humidity()));
            assert!((98_000.0..104_000.0).contains(&board.pascals()), "{}", board.pascals());
            assert!((4.9..5.3).contains(&board.supply_volts()), "{}", board.supply_volts());
            assert!(board.supply_amperes() < 2.6, "within the shunt's range");
            assert!(board.root_free_bytes() > 0 && board.root_free_bytes() < board.hardware.root_bytes());
            let now = board.network_bytes();
            assert!(now[0] >= totals[0] && now[1] >= totals[1], "totals never fall");
            totals = now;
            warm += u32::from(board.cpu_celsius() >= 70.0);
            load += board.cpu_ratio() / 86_400.0;
        }
        let most = if role == Role::Admin { 0.15 } else { 0.35 };
        assert!(f64::from(warm) / 86_400.0 < most, "{role:?} was warm for {warm} s");
        assert!((load - role.mean_load()).abs() < 0.25, "{role:?} {load}");
        if role == Role::Worker {
            assert!(warm > 600, "a worker was never warm: {warm} s");
        }
    }
}

#[test]
fn a_worker_is_busier_than_an_app_board_and_an_admin_the_least() {
    let mean = |role| {
        let mut board = BoardModel::new(4, 4, role, Hardware::raspberry_pi_4(8, false));
        (0..7200)
            .map(|_| {
                board.advance(1.0);
                board.cpu_ratio()
            })
            .sum::<f64>()
    };
    let [admin, manager, app, worker] = [Role::Admin, Role::Manager, Role::App, Role::Worker].map(mean);
    assert!(admin < manager && manager < app && app < worker, "{admin} {manager} {app} {worker}");
}

#[test]
fn boards_of_one_rack_stand_in_the_same_room() {
    let (mut one, mut other) = (worker(6, 1), worker(6, 2));
    for _ in 0..50 {
        one.advance(97.0);
        other.advance(97.0);
        assert!((one.inlet_celsius() - other.inlet_celsius()).abs() < 1.5);
        assert!((one.room(5400.0, 1.0) - other.room(5400.0, 1.0)).abs() < f64::EPSILON);
    }
    assert!((one.uptime_seconds() - other.uptime_seconds()).abs() > 60.0, "booted at other times");
}
