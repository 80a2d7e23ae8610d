/*
 * A real interface: a packet socket with a filter for IPv4/UDP to our port and for ARP, and a netlink
 * socket that tells when the cable goes.
 */
#define _DEFAULT_SOURCE /* struct ifreq, IFF_RUNNING, SO_ATTACH_FILTER: not of POSIX */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "protocol/dhcp/frame.h"
#include "runtime/loop_uv.h"

#define FRAMES_AT_ONCE 64 /* then the others have their turn */
#define FRAME_BYTES    2048u

struct uv_lan {
    struct lan lan;
    struct uv_world *world;
    struct uv_lan *next;
    uv_poll_t packets, links;
    int packet_fd, link_fd; /* -1: not open */
    uint32_t handles;       /* that must be closed before the memory goes */
    unsigned index;
    uint8_t hardware[FRAME_ETHERNET_BYTES], peer[FRAME_ETHERNET_BYTES];
    bool is_closed;
};

static const uint8_t k_everybody[FRAME_ETHERNET_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static int send_frame(const struct uv_lan *lan, uint16_t protocol, const uint8_t *to,
                      const uint8_t *bytes, size_t len)
{
    struct sockaddr_ll where = { .sll_family = AF_PACKET,
                                 .sll_protocol = htons(protocol),
                                 .sll_ifindex = (int)lan->index,
                                 .sll_halen = FRAME_ETHERNET_BYTES };
    memcpy(where.sll_addr, to, FRAME_ETHERNET_BYTES);
    ssize_t n = sendto(lan->packet_fd, bytes, len, MSG_DONTWAIT, (const struct sockaddr *)&where,
                       sizeof where);
    return n < 0 ? errno : 0;
}

static enum amt_err uv_lan_send(struct lan *base, const struct lan_datagram *datagram)
{
    struct uv_lan *lan = (struct uv_lan *)base;
    const struct frame_udp head = { .from = datagram->from,
                                    .to = datagram->to,
                                    .from_port = datagram->from_port,
                                    .to_port = datagram->to_port };
    uint8_t frame[FRAME_UDP_HEAD_BYTES + LAN_MOST_BYTES];
    uint32_t len = frame_udp_encode(&head, datagram->bytes, datagram->len, frame, sizeof frame);
    const uint8_t *to = datagram->to == LAN_EVERYBODY ? k_everybody : lan->peer;
    int code = send_frame(lan, ETHERTYPE_IP, to, frame, len);
    return code == 0 ? AMT_OK : code == EAGAIN || code == ENOBUFS ? AMT_ELIMIT : AMT_ESYS;
}

/* Who has our address? We do, at the interface's hardware address. */
static void answer_arp(const struct uv_lan *lan, const uint8_t *in, uint32_t len)
{
    struct frame_arp asked;
    uint8_t out[FRAME_ARP_BYTES];
    if (frame_arp_decode(in, len, &asked) != AMT_OK || asked.is_reply || lan->lan.address == 0 ||
        asked.to != lan->lan.address) {
        return;
    }
    struct frame_arp reply = { .is_reply = true, .from = asked.to, .to = asked.from };
    memcpy(reply.from_hardware, lan->hardware, FRAME_ETHERNET_BYTES);
    memcpy(reply.to_hardware, asked.from_hardware, FRAME_ETHERNET_BYTES);
    frame_arp_encode(&reply, out);
    (void)send_frame(lan, ETHERTYPE_ARP, asked.from_hardware, out, sizeof out);
}

static void hear(struct uv_lan *lan, const struct sockaddr_ll *from, const uint8_t *in,
                 uint32_t len)
{
    struct frame_udp head;
    if (ntohs(from->sll_protocol) == ETHERTYPE_ARP) {
        answer_arp(lan, in, len);
        return;
    }
    if (frame_udp_decode(in, len, &head) != AMT_OK || head.to_port != lan->lan.port) {
        return;
    }
    if (from->sll_halen == FRAME_ETHERNET_BYTES) {
        memcpy(lan->peer, from->sll_addr, FRAME_ETHERNET_BYTES);
    }
    const struct lan_datagram datagram = { .from = head.from,
                                           .to = head.to,
                                           .from_port = head.from_port,
                                           .to_port = head.to_port,
                                           .bytes = in + head.payload.off,
                                           .len = head.payload.len };
    lan->lan.handler->on_datagram(lan->lan.ctx, &datagram);
}

static void on_packets(uv_poll_t *handle, int status, int events)
{
    struct uv_lan *lan = handle->data;
    (void)status;
    (void)events;
    for (int i = 0; i < FRAMES_AT_ONCE && !lan->is_closed; i++) {
        uint8_t frame[FRAME_BYTES];
        struct sockaddr_ll from = { .sll_family = AF_PACKET };
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(lan->packet_fd, frame, sizeof frame, MSG_DONTWAIT | MSG_TRUNC,
                             (struct sockaddr *)&from, &from_len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return; /* nothing more, or the interface went down: the link says that */
        }
        if ((size_t)n <= sizeof frame) {
            uv_world_turn_begin(lan->world);
            hear(lan, &from, frame, (uint32_t)n);
            uv_world_turn_end(lan->world);
        }
    }
}

/* --- the link --- */

static void set_link(struct uv_lan *lan, bool is_up)
{
    if (lan->lan.has_link != is_up) {
        lan->lan.has_link = is_up;
        if (lan->lan.handler->on_link != NULL) {
            lan->lan.handler->on_link(lan->lan.ctx, is_up);
        }
    }
}

static bool flags_are_up(unsigned flags)
{
    return (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
}

static void read_link_messages(struct uv_lan *lan, const uint8_t *in, size_t len)
{
    size_t at = 0;
    while (len - at >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr head;
        struct ifinfomsg info;
        memcpy(&head, in + at, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > len - at) {
            return;
        }
        if ((head.nlmsg_type == RTM_NEWLINK || head.nlmsg_type == RTM_DELLINK) &&
            head.nlmsg_len >= NLMSG_LENGTH(sizeof info)) {
            memcpy(&info, in + at + NLMSG_HDRLEN, sizeof info);
            if (info.ifi_index == (int)lan->index) {
                set_link(lan, head.nlmsg_type == RTM_NEWLINK && flags_are_up(info.ifi_flags));
            }
        }
        size_t step = NLMSG_ALIGN(head.nlmsg_len);
        at += step < len - at ? step : len - at;
    }
}

static bool read_flags(struct uv_lan *lan, struct ifreq *request)
{
    return if_indextoname(lan->index, request->ifr_name) != NULL &&
           ioctl(lan->link_fd, SIOCGIFFLAGS, request) == 0;
}

static void on_links(uv_poll_t *handle, int status, int events)
{
    struct uv_lan *lan = handle->data;
    uint8_t buffer[8192];
    (void)status;
    (void)events;
    ssize_t n = recv(lan->link_fd, buffer, sizeof buffer, MSG_DONTWAIT);
    struct ifreq request = { .ifr_ifindex = 0 };
    if (lan->is_closed || n == 0 || (n < 0 && errno != ENOBUFS)) {
        return;
    }
    uv_world_turn_begin(lan->world);
    if (n > 0) {
        read_link_messages(lan, buffer, (size_t)n);
    } else { /* the kernel had more to say than there was room for: how is it now? */
        set_link(lan, read_flags(lan, &request) && flags_are_up((unsigned short)request.ifr_flags));
    }
    uv_world_turn_end(lan->world);
}

/* --- opening and closing --- */

static void release(struct uv_lan *lan)
{
    if (lan->packet_fd >= 0) {
        (void)close(lan->packet_fd);
    }
    if (lan->link_fd >= 0) {
        (void)close(lan->link_fd);
    }
    amt_free(lan);
}

static void on_closed(uv_handle_t *handle)
{
    struct uv_lan *lan = handle->data;
    lan->handles -= 1;
    if (lan->handles == 0) {
        release(lan);
    }
}

static void uv_lan_close(struct lan *base)
{
    struct uv_lan *lan = (struct uv_lan *)base;
    struct uv_lan **at = &lan->world->lans;
    while (*at != lan) {
        at = &(*at)->next;
    }
    *at = lan->next;
    lan->is_closed = true;
    uv_close((uv_handle_t *)&lan->packets, on_closed);
    uv_close((uv_handle_t *)&lan->links, on_closed);
}

static const struct lan_class k_uv_lan_class = { .send = uv_lan_send, .close = uv_lan_close };

/* IPv4 and UDP to our port and no fragment, or ARP; nothing that we sent ourselves. */
static int set_filter(int fd, uint16_t port)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 11, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ARP, 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 8),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = { .len = sizeof code / sizeof *code, .filter = code };
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static enum amt_err no_interface(const char *name, struct amt_diag *diag)
{
    struct text known = { 0 };
    struct if_nameindex *all = if_nameindex();
    for (const struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++) {
        text_printf(&known, "%s%s", known.len == 0 ? "" : ", ", i->if_name);
    }
    if_freenameindex(all);
    (void)amt_diag_set(diag, AMT_ECONFIG, "there is no network interface \"%s\"", name);
    (void)amt_diag_hint(diag, "in this network namespace there are: %s",
                        known.len == 0 ? "none" : text_chars(&known));
    text_fini(&known);
    return AMT_ECONFIG;
}

static enum amt_err read_interface(struct uv_lan *lan, const char *name, struct amt_diag *diag)
{
    struct ifreq request = { .ifr_ifindex = 0 };
    lan->index = if_nametoindex(name);
    if (lan->index == 0 || strlen(name) >= sizeof request.ifr_name) {
        return no_interface(name, diag);
    }
    memcpy(request.ifr_name, name, strlen(name) + 1);
    if (ioctl(lan->link_fd, SIOCGIFHWADDR, &request) != 0) {
        return amt_diag_errno(diag, errno, "cannot ask about the network interface %s", name);
    }
    if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "%s is no Ethernet interface", name);
        (void)amt_diag_hint(diag, "Intel AMT takes its domain from the wired port alone");
        return AMT_ECONFIG;
    }
    memcpy(lan->hardware, request.ifr_hwaddr.sa_data, FRAME_ETHERNET_BYTES);
    if (ioctl(lan->link_fd, SIOCGIFFLAGS, &request) != 0) {
        return amt_diag_errno(diag, errno, "cannot ask about the network interface %s", name);
    }
    lan->lan.has_link = flags_are_up((unsigned short)request.ifr_flags);
    return AMT_OK;
}

static enum amt_err open_links(struct uv_lan *lan, struct amt_diag *diag)
{
    const struct sockaddr_nl where = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
    lan->link_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (lan->link_fd < 0 ||
        bind(lan->link_fd, (const struct sockaddr *)&where, sizeof where) != 0) {
        return amt_diag_errno(diag, errno, "cannot watch the network's links");
    }
    return AMT_OK;
}

static enum amt_err open_packets(struct uv_lan *lan, const char *name, struct amt_diag *diag)
{
    const struct sockaddr_ll where = { .sll_family = AF_PACKET,
                                       .sll_protocol = htons(ETH_P_ALL),
                                       .sll_ifindex = (int)lan->index };
    /* With protocol 0 it hears nothing before the filter and the interface are set. */
    lan->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (lan->packet_fd < 0 || set_filter(lan->packet_fd, lan->lan.port) != 0 ||
        bind(lan->packet_fd, (const struct sockaddr *)&where, sizeof where) != 0) {
        int code = errno;
        enum amt_err err = amt_diag_errno(diag, code, "cannot send and hear packets on %s", name);
        if (code == EPERM || code == EACCES) {
            (void)amt_diag_hint(diag, "it needs CAP_NET_RAW: run it as root, give the program the "
                                      "capability (setcap cap_net_raw+ep), or use a namespace of "
                                      "your own (unshare -Urn)");
        }
        return err;
    }
    return AMT_OK;
}

static enum amt_err watch(struct uv_lan *lan, struct amt_diag *diag)
{
    int code = uv_poll_init(&lan->world->uv, &lan->packets, lan->packet_fd);
    if (code == 0) {
        lan->handles = 1;
        lan->packets.data = lan;
        code = uv_poll_init(&lan->world->uv, &lan->links, lan->link_fd);
    }
    if (code != 0) {
        return amt_diag_set(diag, AMT_ESYS, "cannot watch a packet socket: %s", uv_strerror(code));
    }
    lan->handles = 2;
    lan->links.data = lan;
    (void)uv_poll_start(&lan->packets, UV_READABLE, on_packets);
    (void)uv_poll_start(&lan->links, UV_READABLE, on_links);
    return AMT_OK;
}

struct lan *uv_world_lan_open(struct loop *loop, const char *interface, uint16_t port,
                              const struct lan_handler *handler, void *ctx, struct amt_diag *diag)
{
    struct uv_lan *lan = amt_alloc(sizeof *lan);
    if (lan == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    lan->lan =
        (struct lan){ .class = &k_uv_lan_class, .handler = handler, .ctx = ctx, .port = port };
    lan->world = (struct uv_world *)loop;
    lan->packet_fd = -1;
    lan->link_fd = -1;
    memcpy(lan->peer, k_everybody, FRAME_ETHERNET_BYTES);
    /* The link is watched before it is read, so that no change falls in between. */
    if (open_links(lan, diag) != AMT_OK || read_interface(lan, interface, diag) != AMT_OK ||
        open_packets(lan, interface, diag) != AMT_OK || watch(lan, diag) != AMT_OK) {
        if (lan->handles == 0) {
            release(lan);
        } else {
            uv_close((uv_handle_t *)&lan->packets, on_closed);
        }
        return NULL;
    }
    lan->next = lan->world->lans;
    lan->world->lans = lan;
    return &lan->lan;
}

void uv_world_drop_lans(struct uv_world *world)
{
    while (world->lans != NULL) {
        uv_lan_close(&world->lans->lan);
    }
}
