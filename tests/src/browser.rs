//! A real browser: Chromium without a window, driven by WebDriver.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http;
use crate::program::Program;
use crate::wait;

/// How long the browser may take to start, and a page to show what it should.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A browser with a profile of its own. Dropping it ends it, whatever became of the test.
#[derive(Debug)]
pub struct Browser {
    /// The session: what fantoccini can do.
    pub page: Client,
    /// Where ChromeDriver listens.
    driver: String,
    /// The session's path there.
    session: String,
    profile: TempDir,
    /// Declared last, and so ended after the browser.
    _process: Program,
}

impl Browser {
    /// Starts ChromeDriver on a port that is free, and Chromium under it.
    ///
    /// # Panics
    /// When either does not start.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        // What the two leave lying about goes with the profile.
        command.arg("--port=0").env("TMPDIR", profile.path());
        let mut process = Program::spawn(command);
        let line = process.line("ChromeDriver was started successfully on port", PATIENCE);
        let driver = format!("127.0.0.1:{}", line.trim_end_matches('.'));
        let options = json!({ "args": arguments(profile.path()) });
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities([("goog:chromeOptions".to_owned(), options)].into_iter().collect())
            .connect(&format!("http://{driver}"))
            .await
            .unwrap();
        let session = page.session_id().await.unwrap().unwrap_or_default();
        Self { page, driver, session: format!("/session/{session}"), profile, _process: process }
    }

    /// Waits until an element fits the CSS selector.
    ///
    /// # Panics
    /// When none does in time.
    pub async fn shows(&self, selector: &str) {
        self.waits(&format!("an element that fits {selector}"), async || {
            (self.count(selector).await > 0).then_some(())
        })
        .await;
    }

    /// How many elements fit the CSS selector now.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub async fn count(&self, selector: &str) -> usize {
        self.page.find_all(Locator::Css(selector)).await.unwrap().len()
    }

    /// An attribute of the first element that fits; none where there is neither. A page that redraws
    /// itself between the two questions counts as having none yet.
    pub async fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let element = self.page.find(Locator::Css(selector)).await.ok()?;
        element.attr(name).await.ok()?
    }

    /// Clicks the first element that fits, once there is one.
    ///
    /// # Panics
    /// When there is none in time, or it cannot be clicked.
    pub async fn click(&self, selector: &str) {
        self.waits(&format!("{selector} to be clicked"), async || {
            self.page.find(Locator::Css(selector)).await.ok()?.click().await.ok()
        })
        .await;
    }

    /// Waits for a condition on the page.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn waits<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
        wait::until_async(what, PATIENCE, look).await
    }

    /// Makes the page see a light or a dark desktop, at a width and height in CSS pixels.
    ///
    /// # Panics
    /// When the browser refuses.
    pub fn look(&self, scheme: &str, width: u32, height: u32) {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &media);
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Saves what the page shows as a PNG.
    ///
    /// # Panics
    /// When the browser or the disk refuses.
    pub async fn screenshot(&self, path: &Path) {
        fs::write(path, self.page.screenshot().await.unwrap()).unwrap();
    }

    /// ChromeDriver's own door to the browser's debugging protocol, which WebDriver has no word for.
    fn devtools(&self, method: &str, parameters: &Value) {
        let command = json!({ "cmd": method, "params": parameters });
        let path = format!("{}/goog/cdp/execute", self.session);
        let answer = http::post(&self.driver, &path, Some(&command)).unwrap();
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
    }
}

impl Drop for Browser {
    /// ChromeDriver is asked to end Chromium. Should it not, it would leave Chromium behind when it is
    /// ended itself, so what is left is found by the profile that only its processes were given.
    fn drop(&mut self) {
        if let Err(error) = http::delete(&self.driver, &self.session) {
            eprintln!("the browser does not end by itself: {error}");
        }
        let mark = self.profile.path().display().to_string();
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = process.file_name().to_str().and_then(|name| name.parse().ok());
            let Some(id) = id.and_then(Pid::from_raw) else { continue };
            let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&mark) {
                // It may have ended between the two calls.
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }
}

/// No window, no sandbox (a container forbids it), and not one connection that nobody asked for.
fn arguments(profile: &Path) -> Vec<String> {
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
    ];
    let profile = format!("--user-data-dir={}", profile.display());
    fixed.into_iter().map(str::to_owned).chain([profile]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skip;

    const PAGE: &str =
        "data:text/html,<button onclick=\"this.dataset.state='gone'\" data-state=well>w3</button>";

    fn processes_of(profile: &Path) -> usize {
        let mark = profile.display().to_string();
        let commands = fs::read_dir("/proc").unwrap().flatten().map(|p| fs::read(p.path().join("cmdline")));
        commands.flatten().filter(|command| String::from_utf8_lossy(command).contains(&mark)).count()
    }

    #[tokio::test]
    async fn a_page_is_seen_clicked_and_photographed_and_no_browser_is_left_behind() {
        if !skip::has("chromedriver") {
            let name = "a_page_is_seen_clicked_and_photographed_and_no_browser_is_left_behind";
            return skip::lacking(name, "chromedriver is not installed: tests/setup.sh test");
        }
        let browser = Browser::start().await;
        browser.page.goto(PAGE).await.unwrap();
        assert_eq!(browser.attribute("button", "data-state").await.as_deref(), Some("well"));
        browser.click("button").await;
        browser.shows("[data-state=gone]").await;
        browser.look("dark", 390, 844);
        let script = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
        assert_eq!(browser.page.execute(script, vec![]).await.unwrap(), json!([390, true]));
        let folder = tempfile::tempdir().unwrap();
        browser.screenshot(&folder.path().join("page.png")).await;
        assert!(fs::read(folder.path().join("page.png")).unwrap().starts_with(b"\x89PNG"));

        let profile = browser.profile.path().to_owned();
        assert_ne!(processes_of(&profile), 0);
        drop(browser);
        wait::until("its processes to end", PATIENCE, || (processes_of(&profile) == 0).then_some(()));
    }
}
