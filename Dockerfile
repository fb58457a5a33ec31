# For the Astro CLI (`astro dev start`, `astro deploy`): the image installs packages.txt and
# requirements.txt by itself and copies the rest of the repository.
FROM astrocrpublic.azurecr.io/runtime:3.3-2
