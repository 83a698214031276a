//! The dashboard in a real browser: what a person sees, and what a click does.

use pirack_tests::browser::Browser;
use pirack_tests::demo::Demo;
use pirack_tests::program::root;
use pirack_tests::skip;

/// The browser, or the reason why there is none.
fn lacks_browser() -> Option<&'static str> {
    if !skip::has("chromium") {
        Some("chromium is not installed: tests/setup.sh test")
    } else if !skip::has("chromedriver") {
        Some("chromedriver is not installed: tests/setup.sh test")
    } else {
        None
    }
}

async fn points(browser: &Browser) -> Option<u64> {
    browser.attribute(r#"[data-chart="cpu_ratio"]"#, "data-points").await?.parse().ok()
}

/// One test, since a browser and a rack are dear: each paragraph is one promise.
#[tokio::test]
async fn the_dashboard_shows_the_rack_its_charts_move_and_unplug_greys_a_tile() {
    if let Some(reason) = lacks_browser() {
        let name = "the_dashboard_shows_the_rack_its_charts_move_and_unplug_greys_a_tile";
        return skip::lacking(name, reason);
    }
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(scratch.path(), &["--boards", "12"]);
    let dashboard = format!("http://{}", demo.dashboard);
    let browser = Browser::start().await;
    let pictures = root().join("target");

    browser.look("light", 1280, 900);
    browser.page.goto(&dashboard).await.unwrap();
    browser
        .waits("13 tiles, all well", async || {
            let tiles = browser.count("[data-board][data-state]").await;
            let well =
                browser.count(r#"[data-board][data-state="well"], [data-board][data-state="warm"]"#).await;
            (tiles == 13 && well == 13).then_some(())
        })
        .await;

    browser.page.goto(&format!("{dashboard}/#/boards/w3")).await.unwrap();
    browser.shows(r#"[data-chart="cpu_ratio"][data-points]"#).await;
    let before =
        browser.waits("points on the chart", async || points(&browser).await.filter(|n| *n > 0)).await;
    browser.waits("more points on the chart", async || points(&browser).await.filter(|n| *n > before)).await;
    browser.screenshot(&pictures.join("dashboard-board.png")).await;

    browser.click(r#"[data-action="unplug"]"#).await;
    browser.page.goto(&format!("{dashboard}/#/")).await.unwrap();
    browser.shows(r#"[data-board="w3"][data-state="silent"]"#).await;
    browser.screenshot(&pictures.join("dashboard.png")).await;
    browser.look("dark", 1280, 900);
    browser.screenshot(&pictures.join("dashboard-dark.png")).await;
    browser.look("light", 390, 844);
    browser.screenshot(&pictures.join("dashboard-phone.png")).await;
    browser.shows(r#"[data-board="w3"][data-state="gone"]"#).await;
    assert_eq!(browser.count(r#"[data-board][data-state="gone"]"#).await, 1, "w3 alone was unplugged");

    let wide = browser.page.execute("return document.documentElement.scrollWidth", vec![]).await.unwrap();
    assert!(wide.as_u64().is_some_and(|width| width <= 390), "a phone has to scroll sideways: {wide}");
}
