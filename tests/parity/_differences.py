"""The deliberate differences from LangGraph, by the names that ``docs/differences.md`` lists.

A parity test relaxes its comparison only by naming one of these. ``warns`` holds the warnings that a program which
names the difference may give on rxgraph and not on LangGraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


@dataclass(frozen=True)
class Difference:
    """One deliberate difference and where it may show."""

    name: str
    warns: tuple[str, ...] = ()


DIFFERENCES: dict[str, Difference] = {
    one.name: one
    for one in (
        Difference("unknown_stream_mode_raises"),
        Difference("unknown_options_raise"),
        Difference("unknown_state_key_warns", warns=("UnknownStateKeyWarning",)),
        Difference("unknown_target_warns", warns=("UnknownTargetWarning",)),
        Difference("unreachable_node_warns", warns=("UnreachableNodeWarning",)),
        Difference("arguments_checked_at_the_call"),
        Difference("tuple_of_modes_is_labelled"),
        Difference("async_node_under_invoke_raises_first"),
        Difference("no_beta_warnings"),
        Difference("error_texts"),
        Difference("events_before_an_error_are_delivered"),
        Difference("generators_take_injected_parameters"),
        Difference("command_input_is_applied_once"),
        Difference("an_empty_command_is_empty_input"),
        Difference("conditional_edges_from_end_raise"),
        Difference("slow_readers_hold_nodes_back"),
        Difference("a_timed_out_pull_loses_nothing"),
        Difference("a_failed_stream_stays_failed"),
        Difference("an_update_keeps_what_siblings_wrote"),
        Difference("an_answer_is_given_once"),
        Difference("every_answer_is_kept"),
        Difference("a_failed_task_shows_no_update"),
        Difference("a_state_names_its_thread"),
        Difference("an_overtaken_run_says_so"),
        Difference("a_failed_save_stops_the_run"),
        Difference("a_bulk_is_checked_first"),
        Difference("an_ignored_input_warns", warns=("InputIgnoredWarning",)),
        Difference("a_durability_without_a_saver_warns", warns=("NoSaverWarning",)),
        Difference("parents_are_saved"),
        Difference("an_address_is_only_an_address"),
        Difference("a_streamed_parent_is_the_real_one"),
        Difference("custom_events_of_tasks_are_their_graphs"),
        Difference("a_handler_may_command_the_parent"),
        Difference("policies_are_checked_at_once"),
        Difference("inner_input_is_what_it_takes"),
        Difference("an_inner_graph_is_numbered_when_it_is_called"),
        Difference("equal_inputs_share_a_cached_result"),
        # Of graphs made by hand.
        Difference("an_input_made_by_hand_is_checked"),
        Difference("packets_may_be_written_by_hand"),
        Difference("what_is_no_node_is_refused"),
        # Named by tests/langchain.
        Difference("a_command_for_the_parent_is_no_error_of_its_node"),
        Difference("a_nameless_path_has_a_name"),
        Difference("metadata_names_no_tracing_integration"),
        Difference("a_trace_policy_is_asked_where_somebody_records"),
        # Named by test_messages.py.
        Difference("messages_may_stay_dicts"),
        Difference("a_path_needs_no_name"),
        # Named by test_drawing.py.
        Difference("pictures_are_made_here"),
        Difference("every_node_is_drawn"),
        Difference("graphs_made_by_hand_are_drawn_by_their_channels"),
        Difference("graphs_inside_are_found_without_running_code"),
        Difference("long_graphs_are_drawn_whole"),
        Difference("titles_of_inner_graphs_are_quoted"),
        Difference("a_command_beside_a_labelled_branch_is_drawn"),
        Difference("labels_have_words"),
        Difference("json_names_the_function"),
        # Named by test_events.py.
        Difference("an_event_comes_before_what_is_made_of_it"),
        Difference("output_is_what_transformers_made_of_it"),
        Difference("subgraphs_are_told_of_first"),
        Difference("a_subgraph_raises_its_own_error"),
        Difference("a_second_call_has_a_handle_of_its_own"),
        Difference("every_projection_is_an_attribute"),
        Difference("a_full_projection_is_named"),
        Difference("an_aborted_subgraph_is_aborted"),
        Difference("every_branch_gets_the_error"),
        Difference("interleave_drains_first"),
        Difference("async_runs_interleave"),
        Difference("a_failing_finalize_fails_the_run"),
        Difference("failed_scheduled_work_fails_the_run"),
        Difference("a_dropped_run_is_stopped"),
        Difference("late_readers_are_told_what_they_missed"),
        # Named by test_store_parity.py.
        Difference("phantom_namespaces_are_not_listed"),
        Difference("an_overwritten_item_keeps_created_at"),
        Difference("a_stored_value_is_not_the_callers"),
        Difference("comparing_unlike_values_does_not_match"),
        Difference("a_store_in_memory_has_time_to_live"),
        Difference("overwriting_replaces_the_vectors"),
        Difference("pages_of_a_query_are_disjoint"),
        Difference("equal_texts_in_one_batch_are_fine"),
        Difference("paths_go_on_after_braces"),
        Difference("negative_limits_and_raw_labels_are_refused"),
        Difference("a_namespace_is_a_tuple"),
        Difference("dates_of_a_file_know_their_zone"),
        # Named by test_serde_parity.py.
        Difference("the_default_is_strict"),
        Difference("a_class_off_the_list_is_an_error"),
        Difference("a_class_off_the_list_is_not_saved"),
        Difference("a_value_that_would_be_lost_is_refused"),
        # Named by test_channels_parity.py.
        Difference("a_first_overwrite_is_unwrapped"),
        Difference("a_refused_update_changes_nothing"),
        Difference("a_checkpoint_is_not_the_live_value"),
        Difference("barrier_names_may_be_a_list"),
        Difference("only_exact_types_are_overwrites"),
        Difference("bound_methods_and_nameless_reducers_can_be_compared"),
        Difference("a_bare_delta_channel_can_replay"),
        Difference("errors_name_the_channel"),
    )
}


def names_on_the_page() -> set[str]:
    """The first column of the table in ``docs/differences.md``."""
    return set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
