"""What the tests of the whole system stand on: the running lab, browsers, the wiki's API, the cloud."""
