// SPDX-License-Identifier: Apache-2.0
//! harness/targets/plugin/tcpassay_plugin.h in Rust.
#![allow(dead_code)]

use std::ffi::{c_char, c_int, c_void};

pub const ABI: u32 = 1;

pub const VIRTUAL_TIME: u32 = 1 << 0;
pub const SYNCHRONOUS: u32 = 1 << 1;
pub const EXACT_RESET: u32 = 1 << 2;
pub const FORKABLE: u32 = 1 << 3;
pub const STATE: u32 = 1 << 4;
pub const PASSIVE_OPEN: u32 = 1 << 5;
pub const ACTIVE_OPEN: u32 = 1 << 6;
pub const IPV6: u32 = 1 << 7;
pub const HALF_CLOSE: u32 = 1 << 9;
pub const ABORT: u32 = 1 << 10;
pub const ISN_FROM_HOST: u32 = 1 << 11;

pub const WOULD_BLOCK: i32 = 1;
pub const NOT_CONNECTED: i32 = 5;
pub const REFUSED: i32 = 6;
pub const RESET: i32 = 7;
pub const TIMED_OUT: i32 = 9;
pub const PIPE: i32 = 10;
pub const ADDRESS_IN_USE: i32 = 11;
pub const INVALID: i32 = 12;
pub const BAD_HANDLE: i32 = 13;
pub const NO_BUFFERS: i32 = 15;
pub const NO_PROTOCOL_OPTION: i32 = 17;

pub const NO_DELAY: i32 = 0;
pub const RECEIVE_BUFFER: i32 = 2;
pub const SEND_BUFFER: i32 = 3;
pub const USER_TIMEOUT: i32 = 4;
pub const KEEP_ALIVE: i32 = 5;
pub const KEEP_IDLE: i32 = 6;
pub const QUICK_ACK: i32 = 9;
pub const TIME_TO_LIVE: i32 = 14;

pub const UNCONNECTED: u32 = 0;
pub const LISTENING: u32 = 1;
pub const OPENING: u32 = 2;
pub const CONNECTED: u32 = 3;
pub const ENDED: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Address {
    pub family: u8,
    pub unused: [u8; 3],
    pub octets: [u8; 16],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Host {
    pub abi: u32,
    pub size: u32,
    pub ctx: *mut c_void,
    pub emit: extern "C" fn(*mut c_void, *const u8, usize),
    pub random: extern "C" fn(*mut c_void) -> u32,
    pub log: extern "C" fn(*mut c_void, *const c_char),
    pub failed: extern "C" fn(*mut c_void, *const c_char),
}

#[repr(C)]
pub struct Config {
    pub size: u32,
    pub mtu: u32,
    pub local: Address,
    pub peer: Address,
    pub local_v6: Address,
    pub peer_v6: Address,
    pub extra: *const c_char,
}

#[repr(C)]
pub struct Status {
    pub phase: u32,
    pub error: i32,
    pub soft_error: i32,
    pub readable: u32,
    pub writable: u32,
    pub acceptable: u32,
    pub eof: u8,
    pub urgent: u8,
    pub unused: [u8; 2],
    pub local_port: u16,
    pub remote_port: u16,
}

#[repr(C)]
pub struct State {
    pub state: u32,
    pub known: u32,
    pub snd_una: u32,
    pub snd_nxt: u32,
    pub rcv_nxt: u32,
    pub snd_wnd: u32,
    pub rcv_wnd: u32,
}

type T = *mut c_void;

#[repr(C)]
pub struct Plugin {
    pub abi: u32,
    pub size: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub abilities: u32,
    pub options: u32,
    pub msl_ms: u32,
    pub settings: *const *const c_char,
    pub create: unsafe extern "C" fn(*const Host, *const Config) -> T,
    pub destroy: unsafe extern "C" fn(T),
    pub reset: unsafe extern "C" fn(T, c_int) -> c_int,
    pub input: unsafe extern "C" fn(T, *const u8, usize) -> c_int,
    pub advance: unsafe extern "C" fn(T, u64) -> c_int,
    pub next_deadline: unsafe extern "C" fn(T) -> u64,
    pub open: unsafe extern "C" fn(T) -> i32,
    pub listen: unsafe extern "C" fn(T, i32, u16, u32) -> c_int,
    pub connect: unsafe extern "C" fn(T, i32, u16, *const Address, u16) -> c_int,
    pub accept: unsafe extern "C" fn(T, i32) -> i32,
    pub send: unsafe extern "C" fn(T, i32, *const u8, usize, u32) -> i64,
    pub receive: unsafe extern "C" fn(T, i32, *mut u8, usize) -> i64,
    pub shutdown: unsafe extern "C" fn(T, i32) -> c_int,
    pub close: unsafe extern "C" fn(T, i32) -> c_int,
    pub abort: unsafe extern "C" fn(T, i32) -> c_int,
    pub status: unsafe extern "C" fn(T, i32, *mut Status) -> c_int,
    pub set_option: unsafe extern "C" fn(T, i32, c_int, i64) -> c_int,
    pub get_option: Option<unsafe extern "C" fn(T, i32, c_int, *mut i64) -> c_int>,
    pub configure: unsafe extern "C" fn(T, *const c_char, i64) -> c_int,
    pub state: unsafe extern "C" fn(T, u16, u16, *mut State) -> c_int,
}
unsafe impl Sync for Plugin {} // its pointers are to constants
