/* SPDX-License-Identifier: MIT */
/*
 * The one x86 save record that a PV interface refers to: virtual machine-check registers. Included by
 * hvm/save.h.
 */
#ifndef __XEN_PUBLIC_HVM_SAVE_X86_H__
#define __XEN_PUBLIC_HVM_SAVE_X86_H__

#include "../../xen.h"

struct hvm_vmce_vcpu {
    uint64_t caps; /* MCG_CAP as the vCPU sees it */
    uint64_t mci_ctl2_bank0;
    uint64_t mci_ctl2_bank1;
    uint64_t mcg_ext_ctl;
};

#ifdef DECLARE_HVM_SAVE_TYPE
DECLARE_HVM_SAVE_TYPE(VMCE_VCPU, 18, struct hvm_vmce_vcpu);
#endif

#endif /* __XEN_PUBLIC_HVM_SAVE_X86_H__ */
