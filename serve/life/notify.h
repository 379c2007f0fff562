/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for systemd (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names. */
#ifndef SERVE_NOTIFY_H
#define SERVE_NOTIFY_H

/* "READY=1". Nothing where nobody asked for it. */
void serve_notify(const char *state);
/* Seconds in which "WATCHDOG=1" is wanted; 0: it is not. */
double serve_notify_watchdog(void);

#endif
