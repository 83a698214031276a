//! The drivers of real chips read the simulated ones, and get the truth.

use std::sync::{Arc, Mutex};

use ::ina219::SyncIna219;
use ::ina219::address::Address;
use ::ina219::calibration::{IntCalibration, MicroAmpere, MicroWatt};
use ::ina219::errors::MeasurementError;
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{ErrorType, I2c, Operation};
use proptest::prelude::*;
use tmp1x2::{SlaveAddr, Tmp1x2};

use super::*;
use crate::record::{Quality, Quantity};
use crate::simulate::bus::{Nack, SimulatedBus, SimulatedChip};
use crate::simulate::sensors;
use crate::source::i2c::{BusError, BusFault, Chip, Found, I2cError, SharedBus, open, scan};
use crate::source::{Source, SourceError};

/// A truth that a test sets, and a time that only a driver's waits move.
struct Bench<T>(Arc<Mutex<Sample<T>>>);

impl<T: Copy + Send + 'static> Bench<T> {
    fn new(truth: T) -> Self {
        Self(Arc::new(Mutex::new(Sample { seconds: 0.0, truth })))
    }

    fn probe(&self) -> Probe<T> {
        let sample = Arc::clone(&self.0);
        Box::new(move || *sample.lock().unwrap())
    }

    fn set(&self, truth: T) {
        self.0.lock().unwrap().truth = truth;
    }

    fn wait(&self) -> Wait<T> {
        Wait(Arc::clone(&self.0))
    }
}

struct Wait<T>(Arc<Mutex<Sample<T>>>);

impl<T: Copy + Send> DelayNs for Wait<T> {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.0.lock().unwrap().seconds += f64::from(nanoseconds) / 1e9;
    }
}

/// The driver of one chip on a bus of its own, as the agent opens it.
fn opened<T: Copy + Send + 'static>(
    kind: Chip,
    chip: impl SimulatedChip + 'static,
    bench: &Bench<T>,
) -> (Box<dyn Source>, SharedBus<SimulatedBus>) {
    let mut bus = SimulatedBus::new("bench");
    bus.attach(kind.default_address(), chip);
    let bus = SharedBus::new(bus);
    let settings = sensors().into_iter().find(|settings| settings.chip == kind).unwrap();
    (open(&settings, bus.clone(), bench.wait()), bus)
}

fn good(source: &mut dyn Source, quantity: Quantity) -> f64 {
    let readings = source.read().unwrap().readings;
    let reading = readings.iter().find(|reading| reading.quantity == quantity).unwrap();
    assert_eq!(reading.quality, Quality::Good, "{reading:?}");
    reading.value
}

fn assert_near(found: f64, truth: f64, resolution: f64) {
    assert!((found - truth).abs() <= resolution, "{found} is not {truth} within {resolution}");
}

proptest! {
    #[test]
    fn a_bme280_tells_the_truth_about_any_air(
        celsius in -39.9..84.9_f64, relative_humidity in 0.0..=1.0_f64, pascals in 30_100.0..109_900.0_f64,
    ) {
        let bench = Bench::new(Air { celsius, relative_humidity, pascals });
        let (mut source, _bus) = opened(Chip::Bme280, SimulatedBme280::new(bench.probe()), &bench);
        // 17 bits of temperature and 18 of pressure (datasheet 3.4.2, 3.4.3): half a step of temperature,
        // half a step of pressure, and what the temperature's half step moves the pressure.
        assert_near(good(&mut *source, Quantity::Temperature), celsius, 0.0015);
        assert_near(good(&mut *source, Quantity::Pressure), pascals, 0.9);
        assert_near(good(&mut *source, Quantity::RelativeHumidity), relative_humidity, 1.5e-4);
    }

    #[test]
    fn an_sht4x_tells_the_truth_about_any_air(celsius in -40.0..125.0_f64, relative_humidity in 0.0..=1.0_f64) {
        let bench = Bench::new(Air { celsius, relative_humidity, pascals: 1e5 });
        let (mut source, _bus) = opened(Chip::Sht4x, SimulatedSht4x::new(bench.probe(), 7), &bench);
        assert_near(good(&mut *source, Quantity::Temperature), celsius, 175.0 / 65535.0);
        assert_near(good(&mut *source, Quantity::RelativeHumidity), relative_humidity, 1.25 / 65535.0);
    }

    #[test]
    fn an_ina219_tells_the_truth_about_any_supply(volts in 0.0..26.0_f64, amperes in -3.19..3.19_f64) {
        let bench = Bench::new(Supply { volts, amperes });
        let (mut source, _bus) = opened(Chip::Ina219, SimulatedIna219::new(bench.probe(), 0.1), &bench);
        let seen = source.read().unwrap().health;
        assert_near(seen.supply_volts.unwrap(), volts, 2.1e-3);
        assert_near(seen.supply_amperes.unwrap(), amperes, 0.51e-4);
        assert_near(seen.supply_watts.unwrap(), volts * amperes, 8.5e-3);
    }
}

#[test]
fn a_bme280_shows_a_conversion_while_it_runs_and_sleeps_after_it() {
    let bench = Bench::new(Air { celsius: 20.0, relative_humidity: 0.5, pascals: 100_000.0 });
    let mut chip = SimulatedBme280::new(bench.probe());
    let read = |chip: &mut SimulatedBme280, register| {
        let mut bytes = [0; 8];
        chip.write(&[register]).and_then(|()| chip.read(&mut bytes)).map(|()| bytes).unwrap()
    };
    let skipped = read(&mut chip, 0xf7);
    // Temperature and pressure once each, forced. Humidity's oversampling is written as well, and comes into force only with a write to ctrl_meas.
    chip.write(&[0xf4, 0x25, 0xf2, 0b001]).unwrap();
    assert_eq!(read(&mut chip, 0xf3)[0], 0x08, "measuring");
    assert_eq!(read(&mut chip, 0xf7), skipped, "and the data registers still hold the old values");
    bench.wait().delay_ms(10);
    assert_eq!((read(&mut chip, 0xf3)[0], read(&mut chip, 0xf4)[0]), (0, 0x24));
    let measured = read(&mut chip, 0xf7);
    assert_ne!(measured[..6], skipped[..6]);
    assert_eq!(measured[6..], skipped[6..], "humidity was not measured");
    chip.write(&[0xf4, 0x27]).unwrap();
    for _ in 0..3 {
        assert_eq!(read(&mut chip, 0xf3)[0], 0x08, "normal mode goes on measuring");
        bench.wait().delay_ms(10);
    }
    assert_ne!(read(&mut chip, 0xf7)[6..], skipped[6..], "humidity was");
    chip.write(&[0xe0, 0xb6]).unwrap();
    assert_eq!((read(&mut chip, 0xf7), read(&mut chip, 0xf4)[0]), (skipped, 0), "a reset forgets all");
}

#[test]
fn air_colder_than_a_bme280_can_tell_is_out_of_range() {
    let bench = Bench::new(Air { celsius: -60.0, relative_humidity: 0.5, pascals: 100_000.0 });
    let (mut source, _bus) = opened(Chip::Bme280, SimulatedBme280::new(bench.probe()), &bench);
    let readings = source.read().unwrap().readings;
    assert_eq!((readings[0].value, readings[0].quality), (-40.0, Quality::OutOfRange));
}

#[test]
fn an_ina219_read_twice_within_one_conversion_says_so() {
    let bench = Bench::new(Supply { volts: 5.0, amperes: 1.0 });
    let (mut source, _bus) = opened(Chip::Ina219, SimulatedIna219::new(bench.probe(), 0.1), &bench);
    assert!(source.read().unwrap().health.supply_volts.is_some());
    let stale = source.read().unwrap();
    assert!(stale.readings.iter().all(|reading| reading.quality == Quality::Suspect));
    assert_eq!(stale.health.supply_volts, None);
}

#[test]
fn an_ina219_computes_current_and_power_as_its_datasheet_does_and_tells_an_overflow() {
    // SBOS448, the worked example of an 11.98 V supply: 2 milliohms, 1 mA a step, so that the calibration register holds 0x5000.
    let bench = Bench::new(Supply { volts: 11.98, amperes: 10.0 });
    let mut bus = SimulatedBus::new("bench");
    bus.attach(0x40, SimulatedIna219::new(bench.probe(), 0.002));
    let address = Address::from_byte(0x40).unwrap();
    let calibration = IntCalibration::new(MicroAmpere(1000), 2000).unwrap();
    let mut chip = SyncIna219::new_calibrated(bus, address, calibration).unwrap();
    bench.wait().delay_ms(2);
    let measured = chip.next_measurement().unwrap().unwrap();
    assert_eq!(measured.current, MicroAmpere(10_000_000));
    assert_eq!(measured.power, MicroWatt(119_800_000));
    assert!(chip.next_measurement().unwrap().is_none(), "reading the power clears \"conversion ready\"");
    bench.set(Supply { volts: 11.98, amperes: 100.0 });
    bench.wait().delay_ms(2);
    assert!(matches!(chip.next_measurement(), Err(MeasurementError::MathOverflow(_))));
}

#[test]
fn a_tmp102_tells_the_truth_in_both_its_resolutions() {
    let bench = Bench::new(25.0);
    let (mut source, bus) = opened(Chip::Tmp102, SimulatedTmp102::new(bench.probe()), &bench);
    for celsius in [-39.9, -0.3, 0.0, 31.71, 120.0] {
        bench.set(celsius);
        bench.wait().delay_ms(130);
        assert_near(good(&mut *source, Quantity::Temperature), celsius, 1.0 / 32.0);
    }
    bench.set(150.0);
    let mut chip = Tmp1x2::new(bus, SlaveAddr::Default);
    chip.enable_extended_mode().unwrap();
    bench.wait().delay_ms(130);
    assert_near(chip.read_temperature().unwrap().into(), 150.0, f64::EPSILON);
}

#[test]
fn a_tmp102_alerts_from_its_high_limit_down_to_its_low_one() {
    let bench = Bench::new(70.0);
    let mut bus = SimulatedBus::new("bench");
    bus.attach(0x48, SimulatedTmp102::new(bench.probe()));
    let mut chip = Tmp1x2::new(bus, SlaveAddr::Default);
    // The limits after a reset are 80 and 75 degrees.
    for (celsius, alert) in [(70.0, false), (78.0, false), (80.0, true), (76.0, true), (74.9, false)] {
        bench.set(celsius);
        bench.wait().delay_ms(300);
        assert_eq!(chip.is_comparator_mode_alert_active().unwrap(), alert, "{celsius}");
    }
}

#[test]
fn a_tmp102_in_shutdown_converts_when_it_is_told_to() {
    let bench = Bench::new(60.0);
    let mut bus = SimulatedBus::new("bench");
    bus.attach(0x48, SimulatedTmp102::new(bench.probe()));
    let Ok(mut chip) = Tmp1x2::new(bus, SlaveAddr::Default).into_one_shot() else { panic!("no mode") };
    assert!(chip.read_temperature().is_err(), "the first call only starts the conversion");
    assert!(chip.read_temperature().is_err(), "it takes 26 ms");
    bench.wait().delay_ms(26);
    let celsius = chip.read_temperature().unwrap();
    assert!((celsius - 60.0).abs() < f32::EPSILON);
}

#[test]
fn an_sht4x_acknowledges_nothing_while_it_measures_and_speaks_once() {
    let bench = Bench::new(Air { celsius: 20.0, relative_humidity: 0.5, pascals: 1e5 });
    let mut chip = SimulatedSht4x::new(bench.probe(), 7);
    let mut answer = [0; 6];
    assert_eq!(chip.read(&mut answer), Err(Nack), "nothing was asked");
    assert_eq!(chip.write(&[0xfd]), Ok(()));
    assert_eq!(chip.read(&mut answer), Err(Nack), "still measuring");
    assert_eq!(chip.write(&[]), Err(Nack), "not even its address");
    bench.wait().delay_ms(9);
    assert_eq!(chip.read(&mut answer), Ok(()));
    assert_eq!(chip.read(&mut answer), Err(Nack), "said already");
    assert_eq!(chip.write(&[0x42]), Err(Nack), "no such command");
}

#[test]
fn a_chip_that_was_unplugged_comes_back_with_the_truth() {
    let air = Air { celsius: 20.0, relative_humidity: 0.5, pascals: 100_000.0 };
    let bench = Bench::new(air);
    let (mut source, bus) = opened(Chip::Bme280, SimulatedBme280::new(bench.probe()), &bench);
    assert_near(good(&mut *source, Quantity::Temperature), 20.0, 0.0015);
    // So quickly that no read noticed: only its lost configuration tells.
    bus.with(|bus| bus.attach(0x76, SimulatedBme280::new(bench.probe())));
    bench.set(Air { celsius: 30.0, ..air });
    assert_near(good(&mut *source, Quantity::Temperature), 30.0, 0.0015);
    bus.with(|bus| bus.detach(0x76));
    let error = source.read().unwrap_err();
    let SourceError::I2c(I2cError::Bus { source: cause, .. }) = error else { panic!("{error}") };
    assert_eq!((cause.fault, cause.address), (BusFault::NoAcknowledge, 0x76));
    bus.with(|bus| bus.attach(0x76, SimulatedBme280::new(bench.probe())));
    assert_near(good(&mut *source, Quantity::Temperature), 30.0, 0.0015);
}

#[test]
fn sensors_of_one_bus_are_read_on_threads_of_their_own() {
    let air = Bench::new(Air { celsius: 20.0, relative_humidity: 0.5, pascals: 100_000.0 });
    let mut bus = SimulatedBus::new("bench");
    bus.attach(0x44, SimulatedSht4x::new(air.probe(), 7));
    bus.attach(0x76, SimulatedBme280::new(air.probe()));
    let bus = SharedBus::new(bus);
    let settings = sensors().into_iter().filter(|sensor| matches!(sensor.chip, Chip::Bme280 | Chip::Sht4x));
    std::thread::scope(|scope| {
        for sensor in settings {
            let mut source = open(&sensor, bus.clone(), air.wait());
            scope.spawn(move || {
                for _ in 0..200 {
                    assert_near(good(&mut *source, Quantity::Temperature), 20.0, 0.003);
                }
            });
        }
    });
}

#[test]
fn a_bus_fault_is_an_error_of_one_read_for_every_chip() {
    let bench = Bench::new(20.0);
    for fault in [BusFault::NoAcknowledge, BusFault::Timeout, BusFault::Busy, BusFault::ArbitrationLost] {
        let (mut source, bus) = opened(Chip::Tmp102, SimulatedTmp102::new(bench.probe()), &bench);
        assert!(source.read().is_ok());
        bus.with(|bus| bus.fail(fault, 1));
        let error = source.read().unwrap_err();
        let SourceError::I2c(I2cError::Bus { source: cause, .. }) = error else { panic!("{error}") };
        assert_eq!(cause.fault, fault);
        assert_near(good(&mut *source, Quantity::Temperature), 20.0, f64::EPSILON);
    }
}

#[test]
fn a_scan_finds_every_chip_and_knows_it_whatever_it_was_doing() {
    let air = Bench::new(Air { celsius: 20.0, relative_humidity: 0.5, pascals: 1e5 });
    let supply = Bench::new(Supply { volts: 5.0, amperes: 1.0 });
    let case = Bench::new(-17.0);
    let mut bus = SimulatedBus::new("bench");
    bus.attach(0x40, SimulatedIna219::new(supply.probe(), 0.1));
    bus.attach(0x44, SimulatedSht4x::new(air.probe(), 7));
    bus.attach(0x45, SimulatedIna219::new(supply.probe(), 0.1));
    bus.attach(0x48, SimulatedTmp102::new(case.probe()));
    bus.attach(0x49, SimulatedIna219::new(supply.probe(), 0.1));
    bus.attach(0x76, SimulatedBme280::new(air.probe()));
    bus.attach(0x50, Memory);
    bus.attach(0x20, Memory);
    // Reserved: nobody asks there.
    bus.attach(0x78, Memory);
    supply.wait().delay_ms(100);
    case.wait().delay_ms(100);
    let found = scan(&mut bus, &mut air.wait()).unwrap();
    let expected = [
        (0x20, None),
        (0x40, Some(Chip::Ina219)),
        (0x44, Some(Chip::Sht4x)),
        (0x45, Some(Chip::Ina219)),
        (0x48, Some(Chip::Tmp102)),
        (0x49, Some(Chip::Ina219)),
        (0x50, None),
        (0x76, Some(Chip::Bme280)),
    ];
    assert_eq!(found, expected.map(|(address, chip)| Found { address, chip }));
    bus.fail(BusFault::Timeout, 1);
    assert_eq!(scan(&mut bus, &mut air.wait()).unwrap_err().fault, BusFault::Timeout);
}

#[test]
fn a_scan_on_an_adapter_without_empty_writes_finds_even_a_chip_that_refuses_reads() {
    let air = Bench::new(Air { celsius: 20.0, relative_humidity: 0.5, pascals: 1e5 });
    let mut bus = SimulatedBus::new("bench");
    bus.attach(0x44, SimulatedSht4x::new(air.probe(), 7));
    bus.attach(0x76, SimulatedBme280::new(air.probe()));
    let found = scan(&mut NoEmptyWrites(bus), &mut air.wait()).unwrap();
    let expected = [(0x44, Some(Chip::Sht4x)), (0x76, Some(Chip::Bme280))];
    assert_eq!(found, expected.map(|(address, chip)| Found { address, chip }));
}

/// An adapter as the DesignWare ones are (`I2C_AQ_NO_ZERO_LEN`).
struct NoEmptyWrites(SimulatedBus);

impl ErrorType for NoEmptyWrites {
    type Error = BusError;
}

impl I2c for NoEmptyWrites {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        if matches!(operations, [Operation::Write([])]) {
            return Err(BusError {
                bus: "bench".into(),
                address,
                fault: BusFault::Unsupported,
                source: None,
            });
        }
        self.0.transaction(address, operations)
    }
}

/// Takes and gives any bytes.
struct Memory;

impl SimulatedChip for Memory {
    fn write(&mut self, _bytes: &[u8]) -> Result<(), Nack> {
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Nack> {
        buffer.fill(0xff);
        Ok(())
    }
}

#[test]
fn an_address_without_a_chip_is_not_acknowledged() {
    let mut bus = SimulatedBus::new("bench");
    assert_eq!(bus.write(0x33, &[]).unwrap_err().fault, BusFault::NoAcknowledge);
}
