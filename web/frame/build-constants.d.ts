/** Put into the finished script by the stamp, from the configuration. */

/** Origins of the pages that may embed the enclave. */
declare const KMS_PARENT_ORIGINS: readonly string[];
