//! What every engine promises, told once: on the fake by `tests/fake.rs`, on Docker's own by `tests/boards.rs`.
//!
//! Each scenario begins with three boards that form one swarm of three managers with nothing in it, but those of
//! `membership`, which begin with bare boards. It may leave any state behind.

pub(crate) mod files;
pub(crate) mod hosts;
pub(crate) mod membership;
pub(crate) mod nodes;
pub(crate) mod objects;
pub(crate) mod rolling;
pub(crate) mod services;
pub(crate) mod world;

/// Hands all scenarios to a macro.
macro_rules! all_scenarios {
    ($to:ident) => {
        $to! {
            membership::boards_begin_join_leave_and_are_forgotten,
            membership::a_board_that_joins_anew_is_another_node,
            membership::only_a_token_of_that_swarm_lets_a_board_in,
            membership::a_board_in_no_swarm_or_a_worker_speaks_for_none,
            membership::a_swarm_remembers_its_labels_from_birth_and_changes_them_under_their_version,
            hosts::a_host_tells_what_it_is_and_which_images_it_has,
            hosts::an_image_has_a_digest_of_each_repository_and_any_board_gets_it_by_that,
            objects::an_update_that_names_an_old_version_is_refused_and_changes_nothing,
            objects::content_name_and_mode_never_change,
            objects::a_name_is_given_once,
            objects::what_a_service_uses_is_not_removed,
            objects::a_service_refers_only_to_what_is_there,
            objects::what_is_gone_is_not_found,
            files::other_content_is_another_object_that_services_move_to_and_the_old_one_goes,
            files::labels_of_configs_and_secrets_change_in_place,
            services::a_service_that_says_nothing_is_applied_once_and_never_again,
            services::a_service_that_says_everything_is_applied_once_and_never_again,
            services::what_has_no_field_here_is_seen_kept_and_set_back,
            services::on_the_hosts_own_network_a_task_has_its_boards_name_its_hosts_and_its_volume,
            services::peers_on_an_overlay_run_and_the_overlay_goes_with_them,
            services::a_service_forced_anew_is_left_so,
            rolling::a_service_that_cannot_run_says_why_in_dockers_words,
            rolling::a_change_stops_a_task_before_the_next_begins,
            rolling::a_change_that_fails_pauses_and_says_why,
            rolling::a_task_that_ends_is_begun_again,
            rolling::a_service_without_tasks_is_settled,
            nodes::labels_decide_where_tasks_run_and_a_drain_moves_them,
            nodes::a_demoted_manager_leaves_the_votes_and_a_promoted_one_enters,
            nodes::an_engine_that_demotes_itself_does_so_and_speaks_for_the_swarm_no_more,
            nodes::the_last_manager_is_neither_demoted_nor_removed,
            nodes::a_board_that_is_cut_off_is_down_and_comes_back,
            nodes::without_a_majority_nothing_is_told_and_nothing_changes,
        }
    };
}
pub(crate) use all_scenarios;
