"""Names of the messages the kernel's interface has, for those that are served and for those that are only named.

Boundary: names.

Sources: NeXT ``mach.defs`` (subsystem mach 2000) in its order; ids that the kernel itself skips have no name.
"""

from __future__ import annotations

__all__ = ["FIRST_MESSAGE", "MESSAGES", "message_name"]

FIRST_MESSAGE = 2000

_NAMES = """
    xxx_port_allocate xxx_port_deallocate xxx_port_enable xxx_port_disable xxx_port_select
    xxx_port_set_backlog xxx_port_status task_create task_terminate - - task_threads - - - - thread_terminate - - - -
    vm_allocate vm_allocate_with_pager vm_deallocate vm_protect vm_inherit vm_read vm_write vm_copy vm_region
    vm_statistics task_by_unix_pid - mach_ports_register mach_ports_lookup unix_pid netipc_listen netipc_ignore
    memory_object_data_provided memory_object_data_unavailable memory_object_get_attributes
    vm_set_default_memory_manager - memory_object_lock_request pager_cache - - xxx_host_info xxx_slot_info
    xxx_cpu_control - - netport_init netport_enter netport_remove pager_data_provided_inline
    task_suspend task_resume task_get_special_port task_set_special_port task_info
    thread_create thread_suspend thread_resume thread_abort thread_get_state thread_set_state
    thread_get_special_port thread_set_special_port thread_info - - -
    port_names port_type port_rename port_allocate port_deallocate port_set_backlog port_status
    port_set_allocate port_set_deallocate port_set_add port_set_remove port_set_status
    port_insert_send port_extract_send port_insert_receive port_extract_receive
    vm_map memory_object_data_error memory_object_set_attributes memory_object_destroy
    - - - - - port_set_backup - - vm_synchronize
    """

MESSAGES: dict[int, str] = {FIRST_MESSAGE + at: name for at, name in enumerate(_NAMES.split()) if name != "-"}


def message_name(number: int) -> str:
    """The message's name, or ``id NUMBER`` for one without."""
    return MESSAGES.get(number, f"id {number}")
