//! Safety: what no trace may do. Every law is a small function that looks at one action of the
//! core, in the light of the book and of the true state of the world.

mod effort;
mod ends;
mod input;
mod order;
mod stops;

use super::book::Book;
use crate::action::Action;
use crate::rules::Rules;

/// One action, before it is taken down in the book.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) action: &'a Action,
    pub(super) book: &'a Book,
    pub(super) rules: &'a Rules,
    /// Some process of the tree lives, whatever the core was told.
    pub(super) tree_lives: bool,
}

/// A law, and what it is called when it is broken.
pub(super) struct Law {
    pub(super) name: &'static str,
    pub(super) keeps: fn(&Moment<'_>) -> bool,
}

macro_rules! laws {
    ($($path:ident :: $name:ident),* $(,)?) => {
        &[$(Law { name: stringify!($name), keeps: $path::$name }),*]
    };
}

/// Laws that hold whatever the clock says.
pub(super) const TIMELESS: &[Law] = laws![
    order::never_two_generations,
    order::nothing_is_started_after_term,
    order::quit_is_the_last_action,
    order::generations_count_up_by_one,
    order::a_start_knows_its_cause,
    order::no_signal_to_the_dead,
    order::we_stop_only_with_command,
    order::only_the_left_behind_are_asked,
    order::looks_serve_a_decision,
    order::observed_recycles_never_come,
    stops::only_what_can_start_again_is_stopped,
    stops::nothing_is_planned_after_term,
    stops::nothing_is_planned_after_the_input_spent,
    stops::a_stopped_command_is_left_alone,
    stops::memory_only_when_over_for_certain,
    stops::the_unseen_is_not_quiet,
    input::input_is_closed_once,
    input::a_line_is_finished,
    input::nobody_starts_for_nothing,
    input::only_input_wakes,
    input::only_lost_lines_are_told,
    effort::an_answer_is_believed,
];

/// Laws about time.
pub(super) const TIMED: &[Law] = laws![
    order::a_start_waits_for_its_time,
    order::kill_waits_for_the_stop_timeout,
    stops::a_stop_is_prepared,
    stops::min_lifetime_is_kept,
    stops::an_interruption_holds,
    stops::a_lifetime_is_lived,
    stops::idle_only_after_traffic_that_counts,
    stops::idle_only_when_quiet_for_so_long,
    stops::idle_only_when_rested,
    stops::a_quiet_moment_is_waited_for,
    stops::a_low_limit_does_not_storm,
    stops::only_idle_recycles_in_vain_are_spaced,
    stops::a_runaway_is_spaced,
    stops::the_first_reason_wins,
    input::a_drain_has_its_time,
    input::the_end_of_input_leaves_time,
    input::nothing_is_started_long_after_the_input,
    ends::quit_says_how_command_ended,
    ends::nothing_follows_a_last_stop,
    ends::a_failed_start_never_ends_all,
    ends::restarts_keep_to_budget_and_backoff,
    ends::a_recycle_is_told_as_it_was,
    ends::what_would_be_is_told_as_it_is,
    ends::the_undying_are_told_as_they_are,
];

/// Laws about time that count on no more than likely coincidences.
pub(super) const LIKELY: &[Law] = laws![
    effort::silence_is_not_disturbed,
    effort::looks_are_few,
    effort::while_it_flows_looks_are_cheap,
    effort::early_looks_grow_rare,
];
