/* SPDX-License-Identifier: MIT */
/* What the hypervisor says it is. The first three are the version of the guest ABI (xen_version). */
#pragma once

#define ABI_VERSION_MAJOR   4
#define ABI_VERSION_MINOR   17
#define ABI_EXTRA_VERSION   "-tenon"

#define TENON_VERSION       "0.1"
