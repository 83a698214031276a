//! Waiting for a cluster that a command asks: whoever waits long hears for whom, and for how long at the most.

use std::time::Duration;

use super::manager::runtime;

/// Whoever waits longer than this hears for what.
const SOON: Duration = Duration::from_secs(3);

/// Waits for the answer of `whom`, which knows its deadline, and says so once it is slow. A question to a broker that
/// does not answer has a thread of its own, which is not waited for.
pub(crate) fn wait_for<T>(
    whom: &str,
    deadline: Duration,
    question: impl Future<Output = T>,
) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let answer = runtime.block_on(unless_soon(question, || {
        eprintln!("waiting for {whom}, for {} s at the most", deadline.as_secs());
    }));
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(answer)
}

/// The question's answer; `tell` is called where it does not come soon.
async fn unless_soon<T>(question: impl Future<Output = T>, tell: impl FnOnce()) -> T {
    let mut question = std::pin::pin!(question);
    if let Ok(answer) = tokio::time::timeout(SOON, &mut question).await {
        return answer;
    }
    tell();
    question.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_once_for_what_and_not_where_the_answer_comes_soon() {
        for (takes, told) in [(1, 0), (60, 1)] {
            let mut heard = 0;
            let question = tokio::time::sleep(Duration::from_secs(takes));
            unless_soon(question, || heard += 1).await;
            assert_eq!(heard, told, "an answer after {takes} s");
        }
    }
}
