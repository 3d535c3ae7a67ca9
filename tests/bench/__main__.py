"""`make bench`: what the hot calls cost, beside what they cannot cost less than."""

import os

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
    django.setup()
    from tests.bench.measure import main  # needs the apps loaded

    main()
