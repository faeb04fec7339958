# SPDX-License-Identifier: MIT
#
# Domain-0's image is the shell here, the toolstack with its MiniOS port, and zlib for gzip'd kernels.
# (toolstack/build.mk is read after this file, hence the names spelled out.)

MINIOS_APP_dom0_ZLIB := $(addprefix $(THIRD)/zlib/,adler32.c crc32.c inffast.c inflate.c inftrees.c zutil.c)
MINIOS_APP_dom0_SRCS := \
    $(wildcard toolstack/lib/*.c toolstack/build/*.c toolstack/console/*.c toolstack/store/*.c \
    toolstack/cli/*.c) \
    toolstack/port-minios/port.c $(MINIOS_APP_dom0_ZLIB)
# Control tools see the latest interface, domctl and sysctl included.
MINIOS_APP_dom0_CFLAGS := -isystem $(THIRD)/zlib -U__XEN_INTERFACE_VERSION__ -D__XEN_TOOLS__

# Whatever includes zlib.h waits for zlib to be there.
$(B)/minios/app-dom0/toolstack/build/inflate.o: | $(THIRD)/zlib/.done
