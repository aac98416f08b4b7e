// SPDX-License-Identifier: Apache-2.0
//! smoltcp with an application's endpoints on top: a listener, its backlog, and sockets whose application is gone.

use crate::abi;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpListenEndpoint, Ipv4Address, Ipv6Address};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};

const BUFFER: i64 = 32768;
const MS_SINCE_BOOT: u32 = 100_000;
static NOW_MS: AtomicU32 = AtomicU32::new(0); // the timestamps option asks without a context

pub struct Wire {
    host: abi::Host,
    arriving: VecDeque<Vec<u8>>,
    mtu: usize,
}
pub struct Arriving(Vec<u8>);
pub struct Departing(abi::Host);

impl phy::RxToken for Arriving {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}
impl phy::TxToken for Departing {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut packet = vec![0; length];
        let result = f(&mut packet);
        (self.0.emit)(self.0.ctx, packet.as_ptr(), packet.len());
        result
    }
}
impl Device for Wire {
    type RxToken<'a> = Arriving;
    type TxToken<'a> = Departing;
    fn receive(&mut self, _: Instant) -> Option<(Arriving, Departing)> {
        let host = self.host;
        self.arriving.pop_front().map(|packet| (Arriving(packet), Departing(host)))
    }
    fn transmit(&mut self, _: Instant) -> Option<Departing> {
        Some(Departing(self.host))
    }
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

#[derive(Clone, Default)]
pub struct Endpoint {
    socket: Option<SocketHandle>,
    phase: u32,
    error: i32,
    eof: bool,
    gone: bool, // the application has closed it; the socket goes when its connection has ended
    was: Option<State>,
    listener: Option<i32>, // of a connection that nobody has accepted
    order: u32,
    backlog: u32, // of a listener
    local_port: u16,
    remote_port: u16,
    options: BTreeMap<i32, i64>,
}

pub struct Stack {
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    now: Instant,
    timestamps: bool,
    endpoints: Vec<Option<Endpoint>>,
    accepts: u32,
}

pub struct Addresses {
    pub local: [u8; 4],
    pub local_v6: [u8; 16],
    pub mtu: usize,
}

fn never_was_connection(state: State) -> bool {
    matches!(state, State::Listen | State::SynReceived | State::SynSent)
}

fn is_rst(packet: &[u8]) -> bool {
    let header = match packet.first().map(|octet| octet >> 4) {
        Some(4) => usize::from(packet[0] & 15) * 4,
        _ => 40,
    };
    packet.get(header + 13).is_some_and(|flags| flags & 4 != 0)
}

impl Stack {
    pub fn new(host: abi::Host, addresses: &Addresses) -> Stack {
        let mut wire = Wire { host, arriving: VecDeque::new(), mtu: addresses.mtu };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = u64::from((host.random)(host.ctx)) << 32 | u64::from((host.random)(host.ctx));
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        interface.update_ip_addrs(|list| {
            let _ = list.push(IpCidr::new(IpAddress::Ipv4(Ipv4Address::from(addresses.local)), 24));
            let _ = list.push(IpCidr::new(IpAddress::Ipv6(Ipv6Address::from(addresses.local_v6)), 64));
        });
        NOW_MS.store(MS_SINCE_BOOT, Ordering::Relaxed);
        Stack {
            wire,
            interface,
            sockets: SocketSet::new(vec![]),
            now: Instant::ZERO,
            timestamps: true,
            endpoints: Vec::new(),
            accepts: 0,
        }
    }

    pub fn use_timestamps(&mut self, on: bool) {
        self.timestamps = on;
    }

    fn set_now(&mut self, now: Instant) {
        self.now = now;
        NOW_MS.store(MS_SINCE_BOOT.wrapping_add(now.total_millis() as u32), Ordering::Relaxed);
    }

    /// Lets smoltcp work, then looks at what became of each socket.
    fn poll(&mut self, by_rst: bool, by_time: bool) {
        self.interface.poll(self.now, &mut self.wire, &mut self.sockets);
        for number in 0..self.endpoints.len() {
            self.follow(number, by_rst, by_time);
        }
        for number in 0..self.endpoints.len() {
            self.keep_listening(number as i32);
        }
    }

    fn follow(&mut self, number: usize, by_rst: bool, by_time: bool) {
        let Some(endpoint) = self.endpoints[number].as_mut() else { return };
        let Some(handle) = endpoint.socket else { return };
        let socket = self.sockets.get::<Socket>(handle);
        let state = socket.state();
        if let Some(remote) = socket.remote_endpoint() {
            endpoint.remote_port = remote.port;
        }
        if let Some(local) = socket.local_endpoint() {
            endpoint.local_port = local.port;
        }
        if matches!(state, State::CloseWait | State::LastAck | State::Closing | State::TimeWait) {
            endpoint.eof = true;
        }
        let was = endpoint.was.replace(state).unwrap_or(state);
        if !never_was_connection(state) && state != State::Closed && endpoint.phase == abi::OPENING {
            endpoint.phase = abi::CONNECTED;
        }
        if state == State::Closed && was != State::Closed {
            let ending = matches!(was, State::LastAck | State::TimeWait | State::Closing);
            endpoint.error = match (by_rst, by_time) {
                (true, _) if was == State::SynSent => abi::REFUSED,
                (true, _) if was == State::SynReceived && endpoint.listener.is_none() => abi::REFUSED,
                (true, _) if was != State::TimeWait => abi::RESET,
                (_, true) if !ending => abi::TIMED_OUT,
                _ => 0,
            };
            if endpoint.phase != abi::UNCONNECTED {
                endpoint.phase = abi::ENDED;
            }
        }
        let embryo_failed = endpoint.listener.is_some() && endpoint.phase == abi::ENDED && never_was_connection(was);
        let back_to_listen = endpoint.listener.is_some() && state == State::Listen && was == State::SynReceived;
        if (endpoint.gone && state == State::Closed) || embryo_failed || back_to_listen {
            self.sockets.remove(handle);
            self.endpoints[number] = None;
        }
    }

    /// "As many sockets must be allocated": one listens while the backlog has room.
    fn keep_listening(&mut self, listener: i32) {
        let Some(endpoint) = self.at(listener).filter(|e| e.phase == abi::LISTENING) else { return };
        let (port, backlog, options) = (endpoint.local_port, endpoint.backlog, endpoint.options.clone());
        let mut waiting = 0;
        for one in self.endpoints.iter().flatten().filter(|e| e.listener == Some(listener)) {
            let state = one.socket.map(|handle| self.sockets.get::<Socket>(handle).state());
            if state == Some(State::Listen) {
                return;
            }
            waiting += 1;
        }
        if waiting >= backlog.max(1) {
            return;
        }
        let mut socket = self.new_socket(&options);
        let any = IpListenEndpoint { addr: None, port };
        if socket.listen(any).is_err() {
            return;
        }
        let handle = self.sockets.add(socket);
        self.accepts += 1;
        let order = self.accepts;
        let number = self.unused();
        self.endpoints[number] = Some(Endpoint {
            socket: Some(handle),
            phase: abi::OPENING,
            listener: Some(listener),
            order,
            local_port: port,
            options,
            was: Some(State::Listen),
            ..Endpoint::default()
        });
    }

    fn new_socket(&self, options: &BTreeMap<i32, i64>) -> Socket<'static> {
        let room = |option| vec![0; (*options.get(&option).unwrap_or(&BUFFER)).clamp(1, 1 << 20) as usize];
        let received = SocketBuffer::new(room(abi::RECEIVE_BUFFER));
        let mut socket = Socket::new(received, SocketBuffer::new(room(abi::SEND_BUFFER)));
        socket.set_congestion_control(CongestionControl::Reno);
        if self.timestamps {
            socket.set_tsval_generator(Some(|| NOW_MS.load(Ordering::Relaxed)));
        }
        for &option in options.keys() {
            apply(&mut socket, option, options);
        }
        socket
    }

    fn unused(&mut self) -> usize {
        if let Some(number) = self.endpoints.iter().position(Option::is_none) {
            return number;
        }
        self.endpoints.push(None);
        self.endpoints.len() - 1
    }

    fn at(&self, number: i32) -> Option<&Endpoint> {
        self.endpoints.get(usize::try_from(number).ok()?)?.as_ref().filter(|e| !e.gone)
    }

    fn at_mut(&mut self, number: i32) -> Option<&mut Endpoint> {
        self.endpoints.get_mut(usize::try_from(number).ok()?)?.as_mut().filter(|e| !e.gone)
    }

    pub fn input(&mut self, packet: &[u8]) {
        self.wire.arriving.push_back(packet.to_vec());
        self.poll(is_rst(packet), false);
    }

    pub fn advance(&mut self, now_ns: u64) {
        let until = Instant::from_micros((now_ns / 1000) as i64);
        while let Some(due) = self.interface.poll_at(self.now, &self.sockets) {
            if due > until || due <= self.now {
                break;
            }
            self.set_now(due);
            self.poll(false, true);
        }
        self.set_now(until);
        self.poll(false, true);
    }

    /// What is due now and yet did not happen is looked at again a millisecond later.
    pub fn next_deadline(&mut self) -> u64 {
        match self.interface.poll_at(self.now, &self.sockets) {
            None => u64::MAX,
            Some(due) if due > self.now => due.total_micros() as u64 * 1000,
            Some(_) => (self.now + Duration::from_millis(1)).total_micros() as u64 * 1000,
        }
    }

    pub fn open(&mut self) -> i32 {
        let number = self.unused();
        self.endpoints[number] = Some(Endpoint::default());
        number as i32
    }

    pub fn listen(&mut self, number: i32, port: u16, backlog: u32) -> i32 {
        let taken = self.endpoints.iter().flatten().any(|e| e.phase == abi::LISTENING && e.local_port == port);
        if taken {
            return -abi::ADDRESS_IN_USE;
        }
        let Some(endpoint) = self.at_mut(number) else { return -abi::BAD_HANDLE };
        endpoint.phase = abi::LISTENING;
        endpoint.local_port = port;
        endpoint.backlog = backlog;
        self.keep_listening(number);
        0
    }

    pub fn connect(&mut self, number: i32, local_port: u16, remote: IpAddress, remote_port: u16) -> i32 {
        let Some(endpoint) = self.at(number) else { return -abi::BAD_HANDLE };
        let mut socket = self.new_socket(&endpoint.options);
        // "The local port must be provided explicitly."
        let local_port = match local_port {
            0 => 49152 + ((self.wire.host.random)(self.wire.host.ctx) % 16384) as u16,
            port => port,
        };
        if socket.connect(self.interface.context(), (remote, remote_port), local_port).is_err() {
            return -abi::INVALID;
        }
        let handle = self.sockets.add(socket);
        let Some(endpoint) = self.at_mut(number) else { return -abi::BAD_HANDLE };
        endpoint.socket = Some(handle);
        endpoint.phase = abi::OPENING;
        endpoint.was = Some(State::SynSent);
        self.poll(false, false);
        0
    }

    fn acceptable(&self, listener: i32) -> impl Iterator<Item = usize> + '_ {
        let waits = move |e: &Endpoint| e.listener == Some(listener) && e.phase >= abi::CONNECTED;
        (0..self.endpoints.len()).filter(move |&i| self.endpoints[i].as_ref().is_some_and(waits))
    }

    pub fn accept(&mut self, listener: i32) -> i32 {
        let order = |&i: &usize| self.endpoints[i].as_ref().map_or(0, |e| e.order);
        let Some(first) = self.acceptable(listener).min_by_key(order) else { return -abi::WOULD_BLOCK };
        if let Some(endpoint) = self.endpoints[first].as_mut() {
            endpoint.listener = None;
        }
        self.keep_listening(listener);
        first as i32
    }

    pub fn send(&mut self, number: i32, text: &[u8]) -> i64 {
        let Some(endpoint) = self.at(number) else { return i64::from(-abi::BAD_HANDLE) };
        let (phase, handle) = (endpoint.phase, endpoint.socket);
        let Some(handle) = handle else { return i64::from(-abi::NOT_CONNECTED) };
        let socket = self.sockets.get_mut::<Socket>(handle);
        let taken = match socket.send_slice(text) {
            // smoltcp has no queue before the handshake is complete: "error: insufficient resources" (3.10.2).
            Err(_) if phase == abi::OPENING => return i64::from(-abi::WOULD_BLOCK),
            Err(_) => return i64::from(-abi::PIPE),
            Ok(0) => return i64::from(-abi::WOULD_BLOCK),
            Ok(taken) => taken,
        };
        self.poll(false, false);
        taken as i64
    }

    pub fn receive(&mut self, number: i32, room: &mut [u8]) -> i64 {
        let Some(endpoint) = self.at(number) else { return i64::from(-abi::BAD_HANDLE) };
        let over = endpoint.eof || endpoint.phase == abi::ENDED;
        let nothing = if over { 0 } else { i64::from(-abi::WOULD_BLOCK) };
        let flushed = endpoint.error == abi::RESET;
        let Some(handle) = endpoint.socket.filter(|_| !flushed) else { return nothing };
        let taken = self.sockets.get_mut::<Socket>(handle).recv_slice(room).unwrap_or(0);
        if taken == 0 {
            return nothing;
        }
        self.poll(false, false);
        taken as i64
    }

    pub fn shutdown(&mut self, number: i32) -> i32 {
        let Some(handle) = self.at(number).and_then(|e| e.socket) else { return -abi::NOT_CONNECTED };
        self.sockets.get_mut::<Socket>(handle).close();
        self.poll(false, false);
        0
    }

    pub fn close(&mut self, number: i32, abort: bool) -> i32 {
        let Some(endpoint) = self.at(number) else { return -abi::BAD_HANDLE };
        if endpoint.phase == abi::LISTENING {
            return self.close_listener(number);
        }
        match endpoint.socket {
            None => self.endpoints[number as usize] = None,
            Some(handle) => {
                let socket = self.sockets.get_mut::<Socket>(handle);
                if abort {
                    socket.abort();
                } else {
                    socket.close();
                }
                if let Some(endpoint) = self.at_mut(number) {
                    endpoint.gone = true;
                }
                self.poll(false, false);
            }
        }
        0
    }

    fn close_listener(&mut self, listener: i32) -> i32 {
        self.endpoints[listener as usize] = None;
        for endpoint in self.endpoints.iter_mut().flatten().filter(|e| e.listener == Some(listener)) {
            endpoint.gone = true;
            if let Some(handle) = endpoint.socket {
                self.sockets.get_mut::<Socket>(handle).abort();
            }
        }
        self.poll(false, false);
        0
    }

    pub fn status(&self, number: i32, status: &mut abi::Status) -> i32 {
        let Some(endpoint) = self.at(number) else { return -abi::BAD_HANDLE };
        status.phase = endpoint.phase;
        status.error = endpoint.error;
        status.eof = u8::from(endpoint.eof);
        status.local_port = endpoint.local_port;
        status.remote_port = endpoint.remote_port;
        status.acceptable = self.acceptable(number).count() as u32;
        if let Some(handle) = endpoint.socket {
            let socket = self.sockets.get::<Socket>(handle);
            if endpoint.error != abi::RESET {
                status.readable = socket.recv_queue() as u32;
            }
            if socket.may_send() {
                status.writable = (socket.send_capacity() - socket.send_queue()) as u32;
            }
        }
        0
    }

    pub fn set_option(&mut self, number: i32, option: i32, value: i64) -> i32 {
        let Some(endpoint) = self.at_mut(number) else { return -abi::BAD_HANDLE };
        endpoint.options.insert(option, value);
        let options = endpoint.options.clone();
        if let Some(handle) = endpoint.socket {
            apply(self.sockets.get_mut::<Socket>(handle), option, &options);
            self.poll(false, false);
        }
        0
    }

    pub fn state(&self, local_port: u16, remote_port: u16) -> Option<u32> {
        let sockets = self.endpoints.iter().flatten().filter_map(|e| e.socket);
        for handle in sockets {
            let socket = self.sockets.get::<Socket>(handle);
            let (Some(local), Some(remote)) = (socket.local_endpoint(), socket.remote_endpoint()) else { continue };
            if local.port == local_port && remote.port == remote_port && socket.state() != State::Closed {
                return Some(socket.state() as u32);
            }
        }
        None
    }
}

/// Sets one option of those that the application has chosen.
fn apply(socket: &mut Socket<'static>, option: i32, options: &BTreeMap<i32, i64>) {
    let value = |option, otherwise| *options.get(&option).unwrap_or(&otherwise);
    let on = |option| value(option, 0) != 0;
    match option {
        abi::NO_DELAY => socket.set_nagle_enabled(!on(abi::NO_DELAY)),
        abi::QUICK_ACK => socket.set_ack_delay((!on(abi::QUICK_ACK)).then_some(Duration::from_millis(10))),
        abi::KEEP_ALIVE | abi::KEEP_IDLE => {
            let idle = Duration::from_secs(value(abi::KEEP_IDLE, 7200) as u64);
            socket.set_keep_alive(on(abi::KEEP_ALIVE).then_some(idle));
        }
        abi::USER_TIMEOUT => {
            let timeout = value(abi::USER_TIMEOUT, 0);
            socket.set_timeout((timeout > 0).then(|| Duration::from_millis(timeout as u64)));
        }
        abi::TIME_TO_LIVE => socket.set_hop_limit(Some(value(abi::TIME_TO_LIVE, 64) as u8)),
        _ => (), // the sizes of buffers: new_socket()
    }
}
