"""``python -m kms_enclave.cli`` is ``kms-enclave``."""

from kms_enclave.cli.main import main

if __name__ == "__main__":
    main()
