// SPDX-License-Identifier: Apache-2.0
//! smoltcp behind tcpassay's plugin interface: virtual time, IPv4 and IPv6. To reset, the whole stack is dropped.
//! A socket listens on both IP versions. smoltcp shows a socket's state, but not its sequence numbers.

mod abi;
mod stack;

use smoltcp::wire::{IpAddress, Ipv4Address, Ipv6Address};
use stack::{Addresses, Stack};
use std::ffi::{c_char, c_int, c_void, CStr};
use std::slice;

struct Target {
    host: abi::Host,
    addresses: Addresses,
    stack: Stack,
}

unsafe fn stack<'a>(t: *mut c_void) -> &'a mut Stack {
    &mut (*t.cast::<Target>()).stack
}

unsafe extern "C" fn create(host: *const abi::Host, config: *const abi::Config) -> *mut c_void {
    let (host, config) = (*host, &*config);
    let mut local = [0; 4];
    local.copy_from_slice(&config.local.octets[..4]);
    let addresses = Addresses { local, local_v6: config.local_v6.octets, mtu: config.mtu as usize };
    let stack = Stack::new(host, &addresses);
    Box::into_raw(Box::new(Target { host, addresses, stack })).cast()
}
unsafe extern "C" fn destroy(t: *mut c_void) {
    drop(Box::from_raw(t.cast::<Target>()));
}
unsafe extern "C" fn reset(t: *mut c_void, _ip_version: c_int) -> c_int {
    let target = &mut *t.cast::<Target>();
    target.stack = Stack::new(target.host, &target.addresses);
    0
}
unsafe extern "C" fn input(t: *mut c_void, packet: *const u8, length: usize) -> c_int {
    if length > 0 {
        stack(t).input(slice::from_raw_parts(packet, length));
    }
    0
}
unsafe extern "C" fn advance(t: *mut c_void, now_ns: u64) -> c_int {
    stack(t).advance(now_ns);
    0
}
unsafe extern "C" fn next_deadline(t: *mut c_void) -> u64 {
    stack(t).next_deadline()
}
unsafe extern "C" fn open(t: *mut c_void) -> i32 {
    stack(t).open()
}
unsafe extern "C" fn listen(t: *mut c_void, endpoint: i32, port: u16, backlog: u32) -> c_int {
    stack(t).listen(endpoint, port, backlog)
}
unsafe extern "C" fn connect(
    t: *mut c_void,
    endpoint: i32,
    local_port: u16,
    remote: *const abi::Address,
    remote_port: u16,
) -> c_int {
    let octets = (*remote).octets;
    let address = match (*remote).family {
        6 => IpAddress::Ipv6(Ipv6Address::from(octets)),
        _ => IpAddress::Ipv4(Ipv4Address::new(octets[0], octets[1], octets[2], octets[3])),
    };
    stack(t).connect(endpoint, local_port, address, remote_port)
}
unsafe extern "C" fn accept(t: *mut c_void, listener: i32) -> i32 {
    stack(t).accept(listener)
}
unsafe extern "C" fn send(t: *mut c_void, endpoint: i32, text: *const u8, length: usize, _flags: u32) -> i64 {
    if length == 0 {
        return 0;
    }
    stack(t).send(endpoint, slice::from_raw_parts(text, length))
}
unsafe extern "C" fn receive(t: *mut c_void, endpoint: i32, text: *mut u8, room: usize) -> i64 {
    if room == 0 {
        return 0;
    }
    stack(t).receive(endpoint, slice::from_raw_parts_mut(text, room))
}
unsafe extern "C" fn shutdown(t: *mut c_void, endpoint: i32) -> c_int {
    stack(t).shutdown(endpoint)
}
unsafe extern "C" fn close(t: *mut c_void, endpoint: i32) -> c_int {
    stack(t).close(endpoint, false)
}
unsafe extern "C" fn abort(t: *mut c_void, endpoint: i32) -> c_int {
    stack(t).close(endpoint, true)
}
unsafe extern "C" fn status(t: *mut c_void, endpoint: i32, status: *mut abi::Status) -> c_int {
    stack(t).status(endpoint, &mut *status)
}
unsafe extern "C" fn set_option(t: *mut c_void, endpoint: i32, option: c_int, value: i64) -> c_int {
    if !(0..32).contains(&option) || OPTIONS & 1 << option == 0 {
        return -abi::NO_PROTOCOL_OPTION;
    }
    stack(t).set_option(endpoint, option, value)
}
unsafe extern "C" fn configure(t: *mut c_void, name: *const c_char, value: i64) -> c_int {
    if CStr::from_ptr(name).to_bytes() != b"timestamps" {
        return -abi::NO_PROTOCOL_OPTION;
    }
    stack(t).use_timestamps(value != 0);
    0
}
// smoltcp lists the states in the order of RFC 9293 section 3.3.2, as the header does.
unsafe extern "C" fn state(t: *mut c_void, local_port: u16, remote_port: u16, out: *mut abi::State) -> c_int {
    match stack(t).state(local_port, remote_port) {
        Some(state) => (*out).state = state,
        None => return 0,
    }
    1
}

const OPTIONS: u32 = 1 << abi::NO_DELAY
    | 1 << abi::RECEIVE_BUFFER
    | 1 << abi::SEND_BUFFER
    | 1 << abi::USER_TIMEOUT
    | 1 << abi::KEEP_ALIVE
    | 1 << abi::KEEP_IDLE
    | 1 << abi::QUICK_ACK
    | 1 << abi::TIME_TO_LIVE;

struct Names([*const c_char; 2]);
unsafe impl Sync for Names {}
static SETTINGS: Names = Names([c"timestamps".as_ptr(), std::ptr::null()]);

static PLUGIN: abi::Plugin = abi::Plugin {
    abi: abi::ABI,
    size: std::mem::size_of::<abi::Plugin>() as u32,
    name: c"smoltcp".as_ptr(),
    version: c"0.14.0".as_ptr(), // as Cargo.lock says
    abilities: abi::VIRTUAL_TIME
        | abi::SYNCHRONOUS
        | abi::EXACT_RESET
        | abi::FORKABLE
        | abi::STATE
        | abi::PASSIVE_OPEN
        | abi::ACTIVE_OPEN
        | abi::IPV6
        | abi::HALF_CLOSE
        | abi::ABORT
        | abi::ISN_FROM_HOST,
    options: OPTIONS,
    msl_ms: 5_000, // TIME-WAIT lasts 10 s
    settings: &raw const SETTINGS.0 as *const *const c_char,
    create,
    destroy,
    reset,
    input,
    advance,
    next_deadline,
    open,
    listen,
    connect,
    accept,
    send,
    receive,
    shutdown,
    close,
    abort,
    status,
    set_option,
    get_option: None,
    configure,
    state,
};

#[no_mangle]
pub extern "C" fn tcpassay_plugin(_host_abi: u32) -> *const abi::Plugin {
    &PLUGIN
}
