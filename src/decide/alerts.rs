//! Events for `--on-event`: one at a time, and no more wait than a few.

use std::collections::VecDeque;

/// More than this do not wait: what was new then is old by the time somebody hears of it.
const MOST_WAITING: usize = 16;

/// What somebody is to be told, one after another.
#[derive(Debug)]
pub struct Alerts<T> {
    /// One is being told.
    busy: bool,
    waiting: VecDeque<T>,
    lost: u64,
}

impl<T> Default for Alerts<T> {
    fn default() -> Self {
        Self { busy: false, waiting: VecDeque::new(), lost: 0 }
    }
}

impl<T> Alerts<T> {
    /// Takes one in; if it comes back, it is to be told now.
    #[must_use]
    pub fn add(&mut self, alert: T) -> Option<T> {
        if !self.busy {
            self.busy = true;
            return Some(alert);
        }
        if self.waiting.len() >= MOST_WAITING {
            // What came last tells most: that nothing follows, perhaps.
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(alert);
        None
    }

    /// Nobody waits any longer for those that wait.
    pub fn abandon(&mut self) {
        self.lost += u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        self.waiting.clear();
    }

    /// The one that was being told has been; the next, if one waits.
    #[must_use]
    pub fn told(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        self.busy = next.is_some();
        next
    }

    /// How many were lost since this was asked last.
    pub fn lost(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.lost)).filter(|lost| *lost > 0)
    }

    pub fn is_idle(&self) -> bool {
        !self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_at_a_time_in_order() {
        let mut alerts = Alerts::default();
        assert!(alerts.is_idle());
        assert_eq!(alerts.add(1), Some(1));
        assert_eq!((alerts.add(2), alerts.add(3)), (None, None));
        assert!(!alerts.is_idle());
        assert_eq!(alerts.told(), Some(2));
        assert_eq!(alerts.add(4), None);
        assert_eq!((alerts.told(), alerts.told(), alerts.told()), (Some(3), Some(4), None));
        assert!(alerts.is_idle());
        assert_eq!(alerts.add(5), Some(5));
    }

    #[test]
    fn no_more_wait_than_sixteen_and_the_others_are_counted() {
        let mut alerts = Alerts::default();
        let at_once = (0..20).filter(|number| alerts.add(*number).is_some()).count();
        assert_eq!(at_once, 1);
        assert_eq!((alerts.lost(), alerts.lost()), (Some(3), None));
        for number in 4..=19 {
            assert_eq!(alerts.told(), Some(number), "the last ones");
        }
        assert_eq!((alerts.told(), alerts.lost()), (None, None));
    }

    #[test]
    fn what_is_abandoned_is_counted() {
        let mut alerts = Alerts::default();
        let _ = (alerts.add(1), alerts.add(2), alerts.add(3));
        alerts.abandon();
        assert_eq!((alerts.lost(), alerts.told()), (Some(2), None));
    }
}
