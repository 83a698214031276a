use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::record::{Health, Quality, Quantity, Reading};
use crate::source::Observation;

/// A clock that a test moves.
fn clock() -> (Arc<Mutex<f64>>, ElapsedSeconds) {
    let seconds = Arc::new(Mutex::new(0.0));
    let hand = Arc::clone(&seconds);
    (seconds, Arc::new(move || *hand.lock().unwrap()))
}

/// One pass over all of a board's sources, as an agent merges them.
fn pass(board: &mut SimulatedBoard) -> Observation {
    let mut all = Observation::default();
    for source in &mut board.sources {
        let seen = source.read().unwrap();
        all.health.merge(seen.health);
        all.readings.extend(seen.readings);
    }
    all
}

fn value(readings: &[Reading], sensor: &str, quantity: Quantity) -> f64 {
    let found = readings.iter().find(|reading| reading.sensor == sensor && reading.quantity == quantity);
    found.unwrap().value
}

fn names(boards: usize) -> String {
    let names: Vec<String> = rack(boards, 1).into_iter().map(|board| board.name.to_string()).collect();
    names.join(" ")
}

#[test]
fn a_rack_of_twelve_is_the_one_on_the_desk_and_others_are_cut_after_it() {
    assert_eq!(names(12), "admin m1 m2 m3 w1 w2 w3 w4 w5 w6 a1 a2");
    assert_eq!(names(0), "");
    assert_eq!(names(1), "admin");
    assert_eq!(names(3), "admin m1 w1");
    assert_eq!(names(7), "admin m1 m2 m3 w1 w2 a1");
    for boards in 0..=60 {
        let members = members(boards);
        assert_eq!(members.len(), boards);
        let managers = members.iter().filter(|(_, role)| *role == Role::Manager).count();
        assert!(managers == 0 || managers % 2 == 1, "{managers} managers of {boards} cannot agree");
    }
    assert_eq!(rack(60, 1).len(), 60);
}

#[test]
fn every_board_tells_everything_that_a_healthy_board_can() {
    for mut board in rack_at(12, 3, &clock().1) {
        let seen = pass(&mut board);
        let health = &seen.health;
        assert_eq!(health.hostname.as_deref(), Some(board.name.as_str()));
        // Absent by nature: swap nowhere, a data disk on workers only, the firmware's word on a Pi only.
        let mut expected = health.clone();
        expected.swap_used_bytes = Some(0);
        expected.swap_total_bytes = Some(0);
        if board.role != Role::Worker {
            assert_eq!((health.data_free_bytes, health.data_total_bytes), (None, None));
            (expected.data_free_bytes, expected.data_total_bytes) = (Some(0), Some(0));
        }
        expected.under_voltage.get_or_insert(false);
        expected.throttled.get_or_insert(false);
        let fields = serde_json::to_value(&expected).unwrap();
        let all = serde_json::to_value(full()).unwrap();
        assert_eq!(keys(&fields), keys(&all), "{}", board.name);
        assert!(seen.readings.iter().all(|reading| reading.quality == Quality::Good), "{:?}", seen.readings);
        for sensor in ["inlet", "supply", "case", "exhaust", "/", "eth0"] {
            assert!(seen.readings.iter().any(|reading| reading.sensor == sensor), "{sensor}");
        }
    }
}

fn keys(value: &serde_json::Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

/// A health with every field, so that a field added to the record is missed here.
fn full() -> Health {
    let text = Some(String::new());
    Health {
        cpu_ratio: Some(0.0),
        cpu_count: Some(1),
        load_1m: Some(0.0),
        load_5m: Some(0.0),
        load_15m: Some(0.0),
        memory_used_bytes: Some(0),
        memory_total_bytes: Some(0),
        swap_used_bytes: Some(0),
        swap_total_bytes: Some(0),
        cpu_temperature_celsius: Some(0.0),
        storage_free_bytes: Some(0),
        storage_total_bytes: Some(0),
        data_free_bytes: Some(0),
        data_total_bytes: Some(0),
        network_receive_bytes_total: Some(0),
        network_transmit_bytes_total: Some(0),
        uptime_seconds: Some(0.0),
        supply_volts: Some(0.0),
        supply_amperes: Some(0.0),
        supply_watts: Some(0.0),
        under_voltage: Some(false),
        throttled: Some(false),
        docker: Some(crate::record::DockerState::Active),
        containers: Some(0),
        hostname: text.clone(),
        address: text.clone(),
        os: text.clone(),
        kernel: text,
    }
}

#[test]
fn the_same_seed_gives_the_same_rack_and_another_another() {
    let run = |seed| {
        let (hand, clock) = clock();
        let mut rack = rack_at(3, seed, &clock);
        *hand.lock().unwrap() = 30.0;
        rack.iter_mut().map(pass).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn what_the_chips_say_is_what_the_model_holds_at_that_moment() {
    let (hand, clock) = clock();
    let model = BoardModel::new(5, 4, Role::Worker, Hardware::raspberry_pi_4(8, true));
    let world = World::new(model.clone(), Arc::clone(&clock));
    let bus = SharedBus::new(bus_with_chips(&"w1".parse().unwrap(), &world, 0));
    let mut sources: BTreeMap<String, _> = sensors()
        .iter()
        .map(|sensor| (sensor.name.clone(), open(sensor, bus.clone(), world.delay())))
        .collect();
    let mut model = model;
    for second in 1..=120 {
        *hand.lock().unwrap() = f64::from(second);
        model.advance(1.0);
        let mut read = |name: &str, quantity| {
            value(&sources.get_mut(name).unwrap().read().unwrap().readings, name, quantity)
        };
        let near =
            |found: f64, truth: f64, most: f64| assert!((found - truth).abs() < most, "{found} {truth}");
        near(read("inlet", Quantity::Temperature), model.inlet_celsius(), 0.002);
        // Half a step of pressure, and half a step of the temperature by which it is compensated.
        near(read("inlet", Quantity::Pressure), model.pascals(), 0.7);
        near(read("case", Quantity::Temperature), model.case_celsius(), 0.04);
        near(read("exhaust", Quantity::RelativeHumidity), model.exhaust_humidity(), 0.0001);
        near(read("supply", Quantity::Power), model.supply_volts() * model.supply_amperes(), 0.005);
    }
}
