# SPDX-License-Identifier: MIT
#
# Domain-0's image is the shell here, the toolstack with its MiniOS port, and the decompressors of the domain
# builder. (toolstack/build.mk is read after this file, hence the names spelled out.)
include toolstack/unpack.mk

MINIOS_APP_dom0_SRCS := \
    $(wildcard toolstack/lib/*.c toolstack/build/*.c toolstack/console/*.c toolstack/store/*.c \
    toolstack/cli/*.c) \
    toolstack/port-minios/port.c $(UNPACK_SRCS)
# Control tools see the latest interface, domctl and sysctl included.
MINIOS_APP_dom0_CFLAGS := $(UNPACK_INCLUDES) -U__XEN_INTERFACE_VERSION__ -D__XEN_TOOLS__
$(B)/minios/app-dom0/$(THIRD)/%.o: MINIOS_APP_dom0_CFLAGS += $(UNPACK_CFLAGS)

# Whatever includes the libraries' headers waits for them to be there.
$(patsubst %.c,$(B)/minios/app-dom0/%.o,$(wildcard toolstack/build/decode_*.c)): | $(UNPACK_READY)
