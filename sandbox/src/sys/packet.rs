//! Packets with descriptors: sendmsg and recvmsg with SCM_RIGHTS.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recv, recvmsg, sendmsg};

/// Standard input, output, error and the channel.
const DESCRIPTORS_MAX: usize = 4;

/// Sends one packet.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<()> {
    nix::sys::socket::send(socket.as_fd().as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?;
    Ok(())
}

/// Sends one packet with descriptors.
pub(crate) fn send_with_descriptors(socket: impl AsFd, bytes: &[u8], descriptors: &[impl AsFd]) -> io::Result<()> {
    let numbers: Vec<RawFd> = descriptors.iter().map(|one| one.as_fd().as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    sendmsg::<()>(socket.as_fd().as_raw_fd(), &[IoSlice::new(bytes)], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Receives one packet; an empty one is the end of the socket. A packet of more than `limit` bytes is an error, never cut.
pub(crate) fn receive_with_descriptors(socket: impl AsFd, limit: usize) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let socket = socket.as_fd().as_raw_fd();
    // Asked first how long it is: room for the longest would be written to, page by page, for each short one.
    let length = recv(socket, &mut [], MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC)?;
    let mut buffer = vec![0; length.min(limit)];
    let mut space = nix::cmsg_space!([RawFd; DESCRIPTORS_MAX]);
    let mut slices = [IoSliceMut::new(&mut buffer)];
    let message = recvmsg::<()>(socket, &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel just installed these descriptors for this message; each number is
            // wrapped once, so each has one owner.
            descriptors.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    let (flags, length) = (message.flags, message.bytes);
    if flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    buffer.truncate(length);
    Ok((buffer, descriptors))
}
