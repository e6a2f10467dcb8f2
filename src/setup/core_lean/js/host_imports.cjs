'use strict';
/**
 * What Lean's module may call outside of its own memory. A source reaches all of it: with a name that it
 * exports (`@[export system]`), or with a function pointer that it makes up. So everything is closed that
 * is not on the list of what is open, also what a later package may ask for, and a call of what is closed
 * ends the process with its name. Each function that is open must be safe for any arguments.
 * Knows nothing of Lean.
 */

/** The names that are open, after why. */
const OPEN = [
  ['time that passes and the time of the day',
    ['clock_time_get', 'emscripten_date_now', 'emscripten_get_now']],
  ['random numbers', ['random_get']],
  ['the name of the program, which is `lean`', ['_emscripten_get_progname']],
  ['the variables that runtime.cjs chose', ['environ_get', 'environ_sizes_get']],
  ['the file system in memory, in which runtime.cjs mounts the folders of modules, read-only',
    ['__syscall_chdir', '__syscall_chmod', '__syscall_faccessat', '__syscall_fcntl64', '__syscall_fstat64',
      '__syscall_ftruncate64', '__syscall_getcwd', '__syscall_getdents64', '__syscall_ioctl', '__syscall_lstat64',
      '__syscall_mkdirat', '__syscall_newfstatat', '__syscall_openat', '__syscall_pipe', '__syscall_readlinkat', '__syscall_renameat',
      '__syscall_rmdir', '__syscall_stat64', '__syscall_unlinkat', 'fd_close', 'fd_fdstat_get', 'fd_read', 'fd_seek',
      'fd_sync', 'fd_write']],
  ['modules, which Lean maps into its memory', ['_mmap_js', '_munmap_js']],
  ['memory that grows', ['emscripten_get_heap_max', 'emscripten_resize_heap']],
  ['threads, which share the memory and have what this file opens',
    ['__pthread_create_js', '_emscripten_init_main_thread_js', '_emscripten_notify_mailbox_postmessage',
      '_emscripten_receive_on_main_thread_js', '_emscripten_thread_cleanup', '_emscripten_thread_exit_joinable',
      '_emscripten_thread_mailbox_await', '_emscripten_thread_set_strongref', 'emscripten_check_blocking_allowed',
      'emscripten_num_logical_cores']],
  ['exceptions of C++',
    ['__cxa_begin_catch', '__cxa_current_primary_exception', '__cxa_end_catch', '__cxa_rethrow',
      '__cxa_rethrow_primary_exception', '__cxa_throw', '__cxa_uncaught_exceptions', '__resumeException',
      'llvm_eh_typeid_for']],
  ['the end of the process', ['__assert_fail', '_abort_js', 'exit', 'proc_exit']],
  ['names of compiled code, as far as they are of Lean (`isSymbol`)', ['_dlsym_js']],
  ['pieces of JavaScript in the package, as far as they are in `SNIPPETS`', ['emscripten_asm_const_int']],
];

/** Exceptions of C++ too: calls that catch them, and the search for what catches one. */
const OPEN_PATTERN = /^(?:invoke_[vijfd]+|__cxa_find_matching_catch_\d+)$/;

/**
 * What the package asks for and does not need. What is on no list is closed as well, and a package that asks for
 * it is not installed.
 */
const CLOSED = [
  // Processes and scripts.
  '_emscripten_system', 'emscripten_exit_with_live_runtime', 'emscripten_unwind_to_js_event_loop',
  'emscripten_set_timeout', 'emscripten_wget_data', '_emscripten_runtime_keepalive_clear', '__call_sighandler',
  '_setitimer_js', '_emscripten_throw_longjmp',
  // Libraries that are loaded while Lean runs.
  '_dlopen_js', '_dlsym_catchup_js', '_emscripten_dlopen_js', '_emscripten_dlsync_threads',
  '_emscripten_dlsync_threads_async', 'emscripten_promise_create', 'emscripten_promise_destroy',
  'emscripten_promise_resolve',
  // The network.
  '__syscall_accept4', '__syscall_bind', '__syscall_connect', '__syscall_getpeername', '__syscall_getsockname',
  '__syscall_getsockopt', '__syscall_listen', '__syscall_recvfrom', '__syscall_recvmsg', '__syscall_sendmsg',
  '__syscall_sendto', '__syscall_socket', '_emscripten_lookup_name', 'getaddrinfo', 'getnameinfo',
  // libuv, of which the package has only a part.
  'lean_uv_tcp_cancel_recv', 'lean_uv_tcp_try_accept', 'lean_uv_tcp_wait_readable', 'lean_uv_udp_cancel_recv',
  'lean_uv_udp_wait_readable', 'uv__fs_event_close', 'uv__hrtime', 'uv__io_check_fd', 'uv__io_fork', 'uv__io_poll',
  'uv__platform_invalidate_fd', 'uv__platform_loop_delete', 'uv__platform_loop_init',
  // Files, in ways in which Lean does not use them.
  '__syscall__newselect', '__syscall_dup', '__syscall_dup3', '__syscall_fadvise64', '__syscall_fallocate',
  '__syscall_fchdir', '__syscall_fchmod', '__syscall_fchmodat2', '__syscall_fchown32', '__syscall_fchownat',
  '__syscall_fdatasync', '__syscall_fstatfs64', '__syscall_mknodat', '__syscall_poll',
  '__syscall_statfs64', '__syscall_symlinkat', '__syscall_truncate64', '__syscall_utimensat', '_msync_js',
  'fd_pread', 'fd_pwrite',
  // The calendar and the clocks of the machine.
  '_gmtime_js', '_localtime_js', '_mktime_js', '_timegm_js', '_tzset_js', 'clock_res_get',
  // What only a browser has.
  '_emscripten_get_last_devicemotion_event', '_emscripten_get_last_deviceorientation_event',
  '_emscripten_get_last_mouse_event', '_emscripten_log_formatted', 'emscripten_console_error',
  'emscripten_console_log', 'emscripten_console_trace', 'emscripten_console_warn', 'emscripten_err', 'emscripten_out',
  'emscripten_set_canvas_element_size',
];

/** Graphics and sound, of a browser as well. */
const CLOSED_PATTERN = /^(?:emscripten_gl|emscripten_alc|alc?)[A-Z]\w*$/;

/**
 * The pieces of JavaScript that are run, by their addresses: a variable of Lean's own, and the path of the
 * program. The others print lines for debugging, or show Lean the folders of the machine: they do nothing.
 */
const SNIPPETS = new Set([943522, 943765]);

/** The names of Lean's compiled code; those of the C library are not found. */
const SYMBOL = /^(?:l_|lean_|lake_|initialize_)/;

/** How often this thread was asked for a pipe, which Lean does before it starts a process whose output it reads. */
const asked = { pipes: 0 };

const open = new Set(OPEN.flatMap(([, names]) => names));

/** Whether the module may call it. */
const isOpen = name => open.has(name) || OPEN_PATTERN.test(name);

/** Whether it is known, open or closed; the package that is installed asks for nothing else. */
const isKnown = name => isOpen(name) || CLOSED_PATTERN.test(name) || CLOSED.includes(name);

/** Whether the interpreter finds the compiled code of that name. */
const isSymbol = name => SYMBOL.test(name);

/**
 * Of the functions of JavaScript that a module could call those that are open; the others call `close`
 * with their name. `end` ends the process with a status.
 */
function restrict(functions, { close, end }) {
  const own = {
    proc_exit: end,
    __syscall_pipe: (...args) => {
      asked.pipes++;
      return functions.__syscall_pipe(...args);
    },
    emscripten_asm_const_int: (address, ...rest) =>
      (SNIPPETS.has(address) ? functions.emscripten_asm_const_int(address, ...rest) : 0),
  };
  const stub = (name, { sig }) => Object.assign(() => close(name), { sig });
  return Object.fromEntries(Object.entries(functions).map(([name, run]) => {
    if (typeof run !== 'function') return [name, run];
    if (!isOpen(name)) return [name, stub(name, run)];
    return [name, own[name] ? Object.assign(own[name], { sig: run.sig }) : run];
  }));
}

module.exports = { CLOSED, OPEN, asked, isKnown, isOpen, isSymbol, restrict };
